import { describe, expect, it } from 'vitest';
import { checksumOf, SeededRandom, setBigU64, setU32 } from '../../src-main/base/index.ts';
import { type Device, MemoryDevice } from '../../src-main/device/index.ts';
import { systemFile } from '../../src-main/consistency/index.ts';
import { decodeRootNode, encodeRootNode, inodeSlots, pointerBytes, type RootNode, systemFileNames } from '../../src-main/format/index.ts';
import { type Displacement, DisplacementLog, type PreservedMark } from '../../src-main/preservation/displacement-log.ts';
import { crashModes, crashStates } from '../simulation/crash-states.ts';
import { Trace, TraceDevice } from '../simulation/trace-device.ts';
import { testSeed } from '../seed.ts';

const regionBytes = 128 << 10;

function markOf(cp: number, kind: PreservedMark['kind'] = 'served'): PreservedMark {
  const id = new Uint8Array(16).fill(1);
  const file = systemFile({ slots: new Uint8Array(inodeSlots * pointerBytes), height: 0, blockCount: 0 });
  const rootBytes = encodeRootNode({
    volumeId: id,
    setId: id,
    journalKey: id,
    blockSizeBytes: 4096,
    blockCount: 1e6,
    cp,
    epoch: 1,
    wallMs: 0,
    usedBlockCount: 0,
    nextInode: 1,
    freeInodeHead: 0,
    inodeCount: 0,
    requestSequence: 0,
    journalOffsetBytes: 0,
    journalBatch: 1,
    allocationCursor: 0,
    files: Object.fromEntries(systemFileNames.map((name) => [name, file])) as RootNode['files'],
  });
  return { kind, name: kind === 'served' ? '' : 'kept', root: decodeRootNode(rootBytes), rootBytes };
}

/** The log as a user of it knows it: all that was displaced, by block. */
class Book {
  readonly places = new Map<number, number>();
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  next(count: number): Displacement[] {
    return Array.from({ length: count }, () => {
      const displacement = { vbn: this.#random.below(300) * 10, place: 500_000 + this.#random.below(1e5), count: 1 + this.#random.below(9) };
      for (let index = 0; index < displacement.count; index++) this.places.set(displacement.vbn + index, displacement.place + index);
      return displacement;
    });
  }

  readonly all = (): Displacement[] => [...this.places].map(([vbn, place]) => ({ vbn, place, count: 1 }));
}

function placesOf(displacements: readonly Displacement[]): Map<number, number> {
  const places = new Map<number, number>();
  for (const { vbn, place, count } of displacements) for (let index = 0; index < count; index++) places.set(vbn + index, place + index);
  return places;
}

async function foundPlaces(region: Device): Promise<Map<number, number> | undefined> {
  const found = await DisplacementLog.find(region, 'served');
  return found === undefined ? undefined : placesOf(found.displacements);
}

describe('the log of displaced blocks', () => {
  it('is found again with all that was appended, however often it was written anew', async () => {
    const region = new MemoryDevice({ sizeBytes: 512 << 10 });
    const book = new Book(new SeededRandom(testSeed));
    let log = await DisplacementLog.begin(region, markOf(7));
    for (let round = 0; round < 400; round++) {
      await log.append(book.next(20), book.all);
      if (round % 50 === 0) log = (await DisplacementLog.find(region, 'served'))!.log;
    }
    expect(await foundPlaces(region)).toEqual(book.places);
    expect(log.mark).toEqual(markOf(7));
  });

  it('keeps a root that was set aside and one that is served apart, and forgets what is erased', async () => {
    const region = new MemoryDevice({ sizeBytes: regionBytes });
    const aside = await DisplacementLog.begin(region, markOf(3, 'set-aside'));
    const served = await DisplacementLog.begin(region, markOf(9));
    await aside.append([{ vbn: 1, place: 10, count: 1 }], () => []);
    await served.append([{ vbn: 2, place: 20, count: 2 }], () => []);
    expect((await DisplacementLog.find(region, 'set-aside'))!.displacements).toEqual([{ vbn: 1, place: 10, count: 1 }]);
    await aside.erase();
    expect(await DisplacementLog.find(region, 'set-aside')).toBeUndefined();
    expect(await foundPlaces(region)).toEqual(new Map([[2, 20], [3, 21]]));
    await served.erase();
    await DisplacementLog.begin(region, markOf(9));
    expect(await foundPlaces(region)).toEqual(new Map());
  });

  it('says when the displaced blocks are too scattered for it', async () => {
    const region = new MemoryDevice({ sizeBytes: 64 << 10 });
    const log = await DisplacementLog.begin(region, markOf(7));
    const scattered = Array.from({ length: 2000 }, (_, index) => ({ vbn: index * 2, place: 500_000 + index, count: 1 }));
    await expect(log.append(scattered, () => scattered)).rejects.toMatchObject({ code: 'mirror-full' });
  });

  it('refuses one of a later version', async () => {
    const region = new MemoryDevice({ sizeBytes: regionBytes });
    await DisplacementLog.begin(region, markOf(7));
    const head = new Uint8Array(4096);
    // The second of the two kinds' parts, and the copy that the first generation goes to.
    const offset = regionBytes / 2 + 8192;
    await region.read(offset, [head]);
    setU32(head, 8, 2);
    setBigU64(head, 4088, checksumOf(head.subarray(0, 4088)));
    await region.write(offset, [head]);
    await expect(DisplacementLog.find(region, 'served')).rejects.toMatchObject({ code: 'format-too-new' });
  });

  it.each(crashModes)('has after a crash what was appended before, or that and what was being appended (%s)', async (mode) => {
    const trace = new Trace();
    const device = new TraceDevice(trace, { name: 'region', sizeBytes: regionBytes });
    const book = new Book(new SeededRandom(testSeed));
    const log = await DisplacementLog.begin(device, markOf(7));
    trace.mark(new Map());
    for (let round = 0; round < 60; round++) {
      await log.append(book.next(4), book.all);
      trace.mark(new Map(book.places));
    }
    let states = 0;
    for (const state of crashStates(trace, { mode, random: new SeededRandom(testSeed), samplesPerEvent: 3 })) {
      const marks = state.marks as Map<number, number>[];
      const before = marks.at(-1);
      const found = await foundPlaces(state.devices()[0]!);
      const after = (trace.events.slice(state.eventIndex).find((event) => event.kind === 'mark' && !marks.includes(event.value as never)) as { value: Map<number, number> } | undefined)?.value;
      const where = `seed ${testSeed}, ${state.description}`;
      if (before !== undefined) expect([before, after], where).toContainEqual(found);
      states++;
    }
    expect(states).toBeGreaterThan(100);
  });
});
