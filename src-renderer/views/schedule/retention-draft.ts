import { formatLongTime, isFault, type JudgedSnapshot, keepRulesSchema, parseLongTime, type Schedule } from '../../../src-main/contract/index.ts';
import { plural } from '../../composables/index.ts';

export type KeepRules = Schedule['keep'];
export const countedRules = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type CountedRule = (typeof countedRules)[number];

/** The rules of a schedule as they are typed; an empty field is a rule that is not used. */
export interface RetentionDraft {
  /** `cp`, or a time such as `15m`. */
  every: string;
  keepAll: string;
  counts: Readonly<Record<CountedRule, string>>;
}

const noCounts: Readonly<Record<CountedRule, string>> = { last: '', hourly: '', daily: '', weekly: '', monthly: '', yearly: '' };

/** What is offered where there is no schedule yet: dense for the last hours, thin for years. */
export const firstDraft: RetentionDraft = {
  every: '15m',
  keepAll: '2h',
  counts: { ...noCounts, hourly: '24', daily: '7', weekly: '4', monthly: '12', yearly: '3' },
};

export function draftOf({ everyMs, keep }: Schedule): RetentionDraft {
  const counts = Object.fromEntries(countedRules.map((rule) => [rule, keep[rule] === 0 ? '' : String(keep[rule])])) as Record<CountedRule, string>;
  return { every: everyMs === 'cp' ? 'cp' : formatLongTime(everyMs), keepAll: keep.keepAllForMs === 0 ? '' : formatLongTime(keep.keepAllForMs), counts };
}

/** What a draft means, and what is wrong with it, field by field. */
export interface ReadRetention {
  readonly keep?: KeepRules;
  readonly everyMs?: Schedule['everyMs'];
  readonly faults: Readonly<Partial<Record<'every' | 'keepAll' | CountedRule, string>>>;
}

type Read<T> = { readonly value: T } | { readonly fault: string };

function longTime(text: string): Read<number> {
  try {
    return { value: parseLongTime(text) };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { fault: thrown.message };
  }
}

function count(rule: CountedRule, text: string): Read<number> {
  const value = text.trim() === '' ? 0 : Number(text.trim());
  const judged = keepRulesSchema.shape[rule].safeParse(value);
  return judged.success ? { value } : { fault: `'${text}': ${judged.error.issues[0]?.message ?? 'this is no count'}.` };
}

/** Reads what was typed, with the sentences of the contract. Whether the rules keep anything is the server's to say. */
export function readRetention({ every, keepAll, counts }: RetentionDraft): ReadRetention {
  const everyMs: Read<Schedule['everyMs']> = every.trim() === 'cp' ? { value: 'cp' } : longTime(every);
  const all: Read<number> = keepAll.trim() === '' ? { value: 0 } : longTime(keepAll);
  const read = countedRules.map((rule) => [rule, count(rule, counts[rule])] as const);
  const faults = Object.fromEntries(
    [['every', everyMs] as const, ['keepAll', all] as const, ...read].flatMap(([name, one]) => ('fault' in one ? [[name, one.fault]] : [])),
  ) as ReadRetention['faults'];
  const isWhole = 'value' in all && read.every(([, one]) => 'value' in one);
  const keep = isWhole
    ? ({ keepAllForMs: all.value, ...Object.fromEntries(read.map(([rule, one]) => [rule, 'value' in one ? one.value : 0])) } as KeepRules)
    : undefined;
  return { faults, ...(keep !== undefined && { keep }), ...('value' in everyMs && { everyMs: everyMs.value }) };
}

const ruleWords: Readonly<Record<CountedRule, string>> = { last: 'the newest', hourly: 'hourly', daily: 'daily', weekly: 'weekly', monthly: 'monthly', yearly: 'yearly' };

/** The rules as one sentence. */
export function keepWords(keep: KeepRules): string {
  const all = keep.keepAllForMs === 0 ? [] : [`all of the last ${formatLongTime(keep.keepAllForMs)}`];
  const counted = countedRules.flatMap((rule) => (keep[rule] === 0 ? [] : [rule === 'last' ? `the newest ${keep.last}` : `${keep[rule]} ${ruleWords[rule]}`]));
  const parts = [...all, ...counted];
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

type Reason = JudgedSnapshot['reasons'][number];

const reasonWords: Readonly<Record<Reason, string>> = {
  'by-hand': 'made by hand',
  held: 'held',
  'last-common': 'the newest that a mirror has too',
  'last-good': 'the newest without known damage',
  newest: 'the newest',
  recent: 'of the time for which all are kept',
  last: 'among the newest',
  hourly: 'the hour’s',
  daily: 'the day’s',
  weekly: 'the week’s',
  monthly: 'the month’s',
  yearly: 'the year’s',
};

/** Why a snapshot stays, or that it goes. */
export function verdictWords(reasons: readonly Reason[]): string {
  return reasons.length === 0 ? 'Goes' : `Stays: ${reasons.map((reason) => reasonWords[reason]).join(', ')}`;
}

/** What rules do altogether. */
export function previewWords({ keptCount, droppedCount }: { keptCount: number; droppedCount: number }): string {
  return `${plural(keptCount, 'snapshot')} ${keptCount === 1 ? 'stays' : 'stay'}, ${droppedCount} ${droppedCount === 1 ? 'goes' : 'go'}`;
}
