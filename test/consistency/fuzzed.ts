import { checksumOf, SeededRandom, setBigU64 } from '../../src-main/base/index.ts';
import { decodeShed, Journal, requestsIn } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { type FuzzedDecoder, mustBe, padded, u48End } from '../fuzz/decoder.ts';

const blockBytes = 4096;
const journalBytes = 16_384;
const journalKey = new Uint8Array(16).fill(5);

/** Puts right checksums on the batches that begin on a boundary, where they hold together at all. */
function resealJournal(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const payloadBytes = view.getUint32(at + 4, true);
    if (at + 64 + payloadBytes <= bytes.length) setBigU64(bytes, at + 48, checksumOf(bytes.subarray(at + 64, at + 64 + payloadBytes)));
    setBigU64(bytes, at + 56, checksumOf(bytes.subarray(at, at + 56)));
  }
}

const sampleJournal = await (async () => {
  const random = new SeededRandom(2);
  const region = new MemoryDevice({ sizeBytes: journalBytes });
  const journal = new Journal(region, { key: journalKey, offsetBytes: 0, batch: 1 });
  for (let batch = 0; batch < 3; batch++) {
    const requests = [1, 2, 3].map(() => random.bytes(1 + random.below(300)));
    const payload = requests.flatMap((encoded) => [new Uint8Array(Uint32Array.of(encoded.length).buffer), encoded]);
    await journal.append({ firstSequence: 1 + batch * 3, requestCount: 3, payload });
  }
  const bytes = new Uint8Array(journalBytes);
  await region.read(0, [bytes]);
  return bytes;
})();

const journals: FuzzedDecoder = {
  what: 'batches of the journal',
  by: ['requestsIn'],
  codes: ['volume-damaged'],
  weight: 0.2,
  noiseBytesMax: journalBytes,
  sample: () => sampleJournal.slice(),
  take: async (bytes, random) => {
    const whole = padded(bytes, journalBytes);
    if (random.chance(0.7)) resealJournal(whole);
    const region = new MemoryDevice({ sizeBytes: journalBytes });
    await region.write(0, [whole]);
    let found = 0;
    for await (const batch of new Journal(region, { key: journalKey, offsetBytes: 0, batch: 1 }).recover()) {
      for (const { encoded } of requestsIn(batch)) mustBe(encoded.length <= journalBytes, 'a request that is larger than the journal');
      mustBe(++found <= journalBytes / blockBytes, 'more batches than there is room for');
    }
    return found > 0;
  },
};

const sheds: FuzzedDecoder = {
  what: 'shed lists',
  by: ['decodeShed'],
  codes: ['volume-damaged'],
  noiseBytesMax: 256,
  sample: (random) => {
    const bytes = new Uint8Array(16 * (1 + random.below(6)));
    for (let at = 0; at < bytes.length; at += 16) Buffer.from(bytes.buffer).writeUIntLE(random.below(900), at, 6);
    for (let at = 0; at < bytes.length; at += 16) bytes[at + 12] = 1 + random.below(90);
    return bytes;
  },
  take: (bytes) => {
    let blocks = 0;
    for (const { vbn, count } of decodeShed(bytes, 1000)) {
      mustBe(vbn < u48End, 'a block out of range');
      mustBe((blocks += count) <= 1000, 'more blocks than the volume has');
    }
    return true;
  },
};

/** The journal, and what the maps shed. */
export const fuzzed: readonly FuzzedDecoder[] = [journals, sheds];
