import { type CpHistoryRecord, formatBytes, formatDuration } from '../../../src-main/contract/index.ts';
import { timeWords } from '../../components/index.ts';
import { plural } from '../../composables/index.ts';

/** What a time between CPs means for what can be lost, and for what travels. */
export interface IntervalMeaning {
  readonly loss: string;
  readonly traffic: string;
}

export function intervalMeaning(ms: number, hasMirror: boolean): IntervalMeaning {
  const target = hasMirror ? 'the mirror' : 'a mirror';
  if (ms === 0) {
    return {
      loss: `There is no timer: a CP is taken when it is asked for, with a snapshot, and when memory or journal need it. How much ${target} lacks is then not bounded in time.`,
      traffic: 'The least traffic: what is overwritten between two CPs travels once.',
    };
  }
  const time = timeWords(ms);
  return {
    loss: `If this server is lost for good, you can lose up to ${time} of changes, and what was still on its way to ${target}.`,
    traffic: `What is overwritten again within ${time} travels once; ${ms >= 60_000 ? 'the rarer the CPs, the less there is to send.' : 'the more often, the more of what is short-lived travels too.'}`,
  };
}

/** What the last CPs carried, as they were recorded; undefined where there were none. */
export function carriedWords(records: readonly CpHistoryRecord[]): string | undefined {
  if (records.length === 0) return undefined;
  const mean = (of: (record: CpHistoryRecord) => number): number => records.reduce((sum, record) => sum + of(record), 0) / records.length;
  const bytes = formatBytes(Math.round(mean((record) => record.bytes)));
  return `The last ${plural(records.length, 'CP')} wrote ${bytes} each, in ${formatDuration(mean((record) => record.durationMs))}, on average.`;
}
