import { IgnoreRules } from '../../src-main/following/index.ts';
import { type FuzzedDecoder, textDecoder } from '../fuzz/decoder.ts';

/** What is left out of followed folders. */
export const fuzzed: readonly FuzzedDecoder[] = [
  textDecoder('rules about what is ignored', 'IgnoreRules', ['*.tmp\n!keep.tmp\n/build/', '**/a[b-d]*e?/**\n# no rule', '*a*a*a*a*a*a*a*b', '\\!x\nx\\ '], {
    read: (text) => new IgnoreRules(text.split('\n')).ignores(['a'.repeat(200), 'build', `${'a'.repeat(200)}.tmp`], false),
  }),
];
