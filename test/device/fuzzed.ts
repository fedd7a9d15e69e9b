import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { decodeLabel, encodeLabel, labelBytes } from '../../src-main/device/label.ts';
import { type FuzzedDecoder, mustBe, sealed } from '../fuzz/decoder.ts';

const sampleLabel = await (async () => {
  const random = new SeededRandom(1);
  const devices = [4, 2, 3].map((mebibytes) => new MemoryDevice({ sizeBytes: mebibytes << 20 }));
  await using set = await DeviceSet.create(devices, { volumeId: random.bytes(16), setId: random.bytes(16), blockSizeBytes: 8192, journalBytes: 65_536, random });
  return { deviceIndex: 1, set: set.description };
})();

const labels: FuzzedDecoder = {
  what: 'labels of devices',
  by: ['decodeLabel'],
  codes: [],
  noiseBytesMax: labelBytes,
  sample: (random) => encodeLabel({ ...sampleLabel, set: { ...sampleLabel.set, generation: random.below(1000) } }),
  take: (bytes, random) => {
    const reading = decodeLabel(sealed(bytes, labelBytes, random));
    if (reading.kind !== 'label') return false;
    const { set } = reading.label;
    for (const { deviceIndex, deviceOffsetBytes, blockCount } of set.segments) {
      mustBe(deviceOffsetBytes + blockCount * set.blockSizeBytes <= set.devices[deviceIndex]!.sizeBytes, 'a segment beyond its device');
    }
    return true;
  },
};

/** What stands on devices about their set. */
export const fuzzed: readonly FuzzedDecoder[] = [labels];
