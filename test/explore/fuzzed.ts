import { readCursor, writeCursor } from '../../src-main/explore/cursor.ts';
import { type FuzzedDecoder, textDecoder } from '../fuzz/decoder.ts';

const shapes = { folder: 1, match: 2 };

/** Where long looks go on. */
export const fuzzed: readonly FuzzedDecoder[] = [
  textDecoder('places to go on from', 'readCursor', [writeCursor({ kind: 'match', numbers: [3, 4], path: '/a/b', name: 'c' }), writeCursor({ kind: 'folder', numbers: [1], path: '/' })], {
    read: (text) => readCursor(text, shapes),
  }),
];
