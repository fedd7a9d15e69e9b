import type { Level, ServerEvent } from '../../../src-main/contract/index.ts';
import { locale } from '../../composables/index.ts';

/** Which events are looked for. Empty texts mean all. */
export interface EventFilter {
  readonly level: Level;
  readonly subject: string;
  readonly text: string;
}

export const noFilter: EventFilter = { level: 'info', subject: '', text: '' };

const levels: readonly Level[] = ['info', 'warning', 'problem'];

export const levelChoices: readonly { readonly value: Level; readonly label: string }[] = [
  { value: 'info', label: 'All levels' },
  { value: 'warning', label: 'Warnings and problems' },
  { value: 'problem', label: 'Problems' },
];

function has(text: string, part: string): boolean {
  return text.toLowerCase().includes(part);
}

/** Whether an event is one of those that are looked for; the end of an alert counts as much as the alert. */
export function isLookedFor(event: ServerEvent, { level, subject, text }: EventFilter): boolean {
  if (levels.indexOf(event.level) < levels.indexOf(level)) return false;
  if (subject !== '' && event.subject !== subject) return false;
  const part = text.trim().toLowerCase();
  return part === '' || has(event.text, part) || has(event.subject, part) || has(event.next ?? '', part);
}

/** What events are about, each once, sorted. */
export function subjectsOf(events: readonly ServerEvent[]): string[] {
  return [...new Set(events.map(({ subject }) => subject))].sort((a, b) => a.localeCompare(b, locale));
}

/** The events of one alert, by its key: `KIND SUBJECT`. */
export function subjectOfAlert(key: string): string {
  const space = key.indexOf(' ');
  return space < 0 ? '' : key.slice(space + 1);
}
