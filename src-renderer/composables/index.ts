/**
 * Composables: behaviour of the window that knows no store and no screen.
 * Each ends what it began when its scope ends.
 */
export { type Action, faultOf, useAction } from './use-action.ts';
export { useStream } from './use-stream.ts';
export { type Answer, useAnswer } from './use-answer.ts';
export { faultBySchema, type Typed, useTyped } from './use-typed.ts';
export { type CursorPages, type Pages, useCursorPages, usePages } from './use-pages.ts';
export { useCopy } from './use-copy.ts';
export { progressWords, useProgressAnnouncements } from './use-progress-announcements.ts';
export { useLatest } from './use-latest.ts';
export { useNow } from './use-now.ts';
export { type Appearance, useAppearance } from './use-appearance.ts';
export { useFocusReturn } from './use-focus-return.ts';
export { useAnnouncer } from './use-announcer.ts';
export { locale } from './locale.ts';
export { formatCount, formatRate, formatWhen, formatWhenUtc, levelLabels, plural } from './wording.ts';
export { rowByKey } from './window-range.ts';
export { type RowWindow, useRowWindow } from './use-row-window.ts';
