import { questionBytesMax } from '../../src-main/control/index.ts';
import { type ControlMessage, ControlReader, encodeControlMessage } from '../../src-main/control/control-message.ts';
import { bytesOf, type FuzzedDecoder, mustBe } from '../fuzz/decoder.ts';

const questions: readonly ControlMessage[] = [
  { id: 7, head: { path: '/files/list', headers: { 'content-type': 'application/json' } }, body: bytesOf('{"json":{}}') },
  { id: 0xffff_ffff, head: { status: 200, headers: {} }, body: new Uint8Array(0) },
];

const controlMessages: FuzzedDecoder = {
  what: 'questions and answers between servers',
  by: ['ControlReader'],
  codes: ['frame-invalid', 'frame-too-large'],
  sample: (random) => new Uint8Array(Buffer.concat(encodeControlMessage(random.pick(questions)))),
  take: (bytes) => {
    let count = 0;
    for (const { head } of new ControlReader({ bytesMax: questionBytesMax }).push(bytes)) {
      mustBe('path' in head ? head.path.startsWith('/') : head.status > 0, 'a head that is neither of a question nor of an answer');
      count++;
    }
    return count > 0;
  },
};

/** Questions and answers between servers. */
export const fuzzed: readonly FuzzedDecoder[] = [controlMessages];
