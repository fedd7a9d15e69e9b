import { z } from 'zod';
import { readLine } from '../../src-main/engine/course-lines.ts';
import { FollowRecord } from '../../src-main/engine/follow-record.ts';
import type { LineLog } from '../../src-main/engine/index.ts';
import { RecordLog } from '../../src-main/engine/record-log.ts';
import { parseSettings } from '../../src-main/engine/settings.ts';
import { bytesOf, type FuzzedDecoder, mustBe, textOf } from '../fuzz/decoder.ts';

const settings = JSON.stringify({
  version: 1,
  serverId: '00112233445566778899aabbccddeeff',
  serverName: 'office',
  volumes: [{ name: 'work', role: 'primary', devices: ['/data/work.img'], cpIntervalMs: 1000, durability: 'sync' }],
  relationships: [{ id: 'ffeeddccbbaa99887766554433221100', volume: 'work', address: 'ipc://b', paused: false, holdCap: { percent: 20 } }],
});

const storedSettings: FuzzedDecoder = {
  what: 'stored settings',
  by: ['parseSettings'],
  codes: ['settings-invalid'],
  sample: () => bytesOf(settings),
  take: (bytes) => {
    const { volumes, relationships } = parseSettings(textOf(bytes), 'the store');
    mustBe(relationships.every(({ volume }) => volumes.some(({ name }) => name === volume)), 'a relationship of a volume that is not there');
    return true;
  },
};

function linesOf(bytes: Uint8Array): LineLog {
  return { read: () => Promise.resolve(textOf(bytes).split('\n')), append: () => Promise.resolve(), replace: () => Promise.resolve() };
}

const taken = [['/', '8:1:2'], ['+', 12, 1, '8:1:77:1'], ['?', '/a/b'], ['-', 12], ['.']].map((line) => JSON.stringify(line)).join('\n');

const followRecords: FuzzedDecoder = {
  what: 'records of followed folders',
  by: ['FollowRecord'],
  codes: [],
  sample: () => bytesOf(taken),
  take: async (bytes) => {
    const { count, intended } = await FollowRecord.open(linesOf(bytes));
    mustBe(count + intended.length <= bytes.length, 'more entries than there are bytes');
    return true;
  },
};

const course = [
  { of: 'relationship', id: 'a', span: 'hour', rows: [[1, 1000, 5, 6, null, 7]] },
  { of: 'volume', name: 'work', id: 'b', cp: 7, span: 'day', rows: [[1, 2, 3, 4, 5]] },
].map((line) => JSON.stringify(line));

const courseLines: FuzzedDecoder = {
  what: 'lines of courses',
  by: ['readLine'],
  codes: [],
  sample: (random) => bytesOf(random.pick(course)),
  take: (bytes) => {
    let isKnown = false;
    const meet = (): undefined => {
      isKnown = true;
      return undefined;
    };
    readLine(textOf(bytes), { relationship: meet, volume: meet });
    return isKnown;
  },
};

const event = z.strictObject({ atMs: z.int(), text: z.string() });

const recordLogs: FuzzedDecoder = {
  what: 'logs of records',
  by: ['RecordLog'],
  codes: [],
  sample: () => bytesOf('{"atMs":1,"text":"a"}\n{"atMs":2,"text":"b"}'),
  take: async (bytes) => {
    const { records } = await RecordLog.open(linesOf(bytes), { schema: event, recordsMax: 100 });
    mustBe(records.length <= 100, 'more records than are kept');
    return records.length > 0;
  },
};

/** What is stored beside the volumes. */
export const fuzzed: readonly FuzzedDecoder[] = [storedSettings, followRecords, courseLines, recordLogs];
