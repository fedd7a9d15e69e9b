import { expect, test } from 'vitest';
import type { Packing } from '../../src-main/wire/index.ts';
import { immediatePacking } from '../simulation/immediate-packing.ts';
import { contentOf, expectBytes, MirrorLab } from './mirror-lab.ts';

/** As the real one, and counts; a virtual clock takes it for infinitely fast. */
class CountedPacking implements Packing {
  packedBytes = 0;

  readonly unpack = immediatePacking.unpack;

  async pack(bytes: Uint8Array): Promise<Uint8Array> {
    this.packedBytes += bytes.length;
    return immediatePacking.pack(bytes);
  }
}

/** Content that packs to less than a tenth. */
function textOf(lab: MirrorLab, bytes: number): Uint8Array {
  const line = lab.random.bytes(200);
  return new Uint8Array(bytes).map((_, index) => line[(index * 7 + (index >> 9)) % 200]!);
}

test('content that can be packed takes less of the line, live and in answers, and arrives as it was', async () => {
  const packing = new CountedPacking();
  await using lab = new MirrorLab({ packing });
  const text = textOf(lab, 8 << 20);
  await lab.start();
  await lab.untilIdentical();
  // The line has been looked at for a while.
  await lab.pass(2000);
  await lab.put('first', text);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.pass(2000);
  const before = lab.bytesFromPrimary;
  await lab.put('second', text);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect(lab.bytesFromPrimary - before).toBeLessThan(text.length / 5);
  await lab.relationship.pause();
  await lab.put('third', text);
  await lab.primary.takeCp();
  lab.relationship.resume();
  const whileAway = lab.bytesFromPrimary;
  await lab.untilIdentical();
  expect(lab.relationship.status().blocksPulled).toBeGreaterThan(2000);
  expect(lab.bytesFromPrimary - whileAway).toBeLessThan(text.length / 5);
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  for (const name of ['first', 'second', 'third']) expectBytes(await contentOf(view, name), text);
});

test('content that cannot be packed is sent as it is, and costs trials of a part at most', async () => {
  const packing = new CountedPacking();
  await using lab = new MirrorLab({ packing, primaryBytes: 128 << 20 });
  await lab.start();
  await lab.untilIdentical();
  await lab.pass(2000);
  packing.packedBytes = 0;
  const noise = lab.random.bytes(32 << 20);
  await lab.put('noise', noise);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  expect(packing.packedBytes).toBeLessThan(noise.length / 8 + (128 << 10));
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'noise'), noise);
});

test('packed blocks damaged on the way end the session, and the next one goes on', async () => {
  await using lab = new MirrorLab({ packing: new CountedPacking() });
  const text = textOf(lab, 4 << 20);
  await lab.start();
  await lab.untilIdentical();
  await lab.pass(2000);
  await lab.put('warm', text);
  await lab.primary.takeCp();
  await lab.untilIdentical();
  await lab.pass(2000);
  let damaged = 0;
  lab.garble = (buffers) => {
    // A packed message goes in two buffers; its data begins with the magic number of zstd.
    const data = buffers[1];
    if (data?.[0] !== 0x28 || data[1] !== 0xb5 || damaged > 2) return;
    damaged++;
    data.fill(0, 0, 4);
  };
  await lab.put('file', text);
  await lab.primary.takeCp();
  await lab.until(() => damaged > 2 && lab.relationship.status().identical, 'an identical mirror');
  expect(lab.relationship.sessionCount).toBeGreaterThan(1);
  expect((await lab.mirror.check()).problems).toEqual([]);
  await using view = await lab.mirror.openView('last');
  expectBytes(await contentOf(view, 'file'), text);
});
