import { watch } from 'vue';
import { useAnnouncer } from './use-announcer.ts';

/** The parts of the whole that are worth a word. */
const marks: readonly number[] = [0.25, 0.5, 0.75];

/** What to say when work came from one share to another; undefined for nothing. */
export function progressWords(label: string, before: number, now: number): string | undefined {
  const passed = marks.filter((mark) => before < mark && now >= mark).at(-1);
  return passed === undefined ? undefined : `${label}: ${passed * 100} percent.`;
}

/** Tells screen readers how some work goes: its beginning, each quarter, its end. */
export function useProgressAnnouncements(options: {
  label: () => string;
  isRunning: () => boolean;
  /** From 0 to 1; undefined while that is not known. */
  share: () => number | undefined;
  /** What came of it. */
  outcome: () => string;
}): void {
  const { label, isRunning, share, outcome } = options;
  const { announce } = useAnnouncer();
  watch(isRunning, (running) => {
    announce(running ? `${label()} has begun.` : outcome());
  });
  watch(share, (now, before) => {
    if (!isRunning() || now === undefined) return;
    const words = progressWords(label(), before ?? 0, now);
    if (words !== undefined) announce(words);
  });
}
