/**
 * Composables: behaviour of the window that knows no store and no screen.
 * Each ends what it began when its scope ends.
 */
export { type Action, useAction } from './use-action.ts';
export { useStream } from './use-stream.ts';
export { useNow } from './use-now.ts';
export { type Appearance, useAppearance } from './use-appearance.ts';
export { useAnnouncer } from './use-announcer.ts';
export { formatCount, formatRate, formatWhen, formatWhenUtc, levelLabels, plural } from './wording.ts';
