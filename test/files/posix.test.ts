import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryHome } from '../volume/memory-volume.ts';
import { drive, type Target, steps } from './drive.ts';
import { dumpTree, MemoryFiles } from './memory-files.ts';
import { PosixModel } from './posix-model.ts';

/** Drops what the model does not know. */
function comparable(dump: Record<string, unknown>, without: readonly string[]): unknown {
  return JSON.parse(
    JSON.stringify(dump, (key, value: unknown) => (without.includes(key) ? undefined : typeof value === 'bigint' ? String(value) : value)),
  );
}

const unknownToModel = ['generation', 'createdNs', 'accessedNs'];

function targetOf(memory: MemoryFiles): Target {
  return {
    blockSizeBytes: memory.context.geometry.blockSizeBytes,
    change: (costBlocks, operation) => memory.change(costBlocks, operation),
    sync: () => memory.sync(),
    setTime: (nowNs) => {
      memory.nowNs = nowNs;
    },
  };
}

const browse = (memory: MemoryFiles): Parameters<typeof dumpTree>[0] => ({
  query: (operation) => memory.query(operation),
  readInto: (ino, offset, target) => memory.files.readInto(ino, offset, target),
});

test('files do what a plain model of POSIX does, and the replay of their log gives the same state', async () => {
  await fc.assert(
    fc.asyncProperty(steps(250), fc.constantFrom(4096, 16384), async (all, blockSizeBytes) => {
      const memory = new MemoryFiles(blockSizeBytes);
      const model = new PosixModel();
      await drive(targetOf(memory), model, all);
      const dump = await dumpTree(browse(memory), { withTimes: true });
      expect(comparable(dump, unknownToModel)).toEqual(comparable(model.dump(), unknownToModel));
      for (const node of model.all.filter(({ linkCount, kind }) => linkCount === 0 && kind === 'file')) {
        const content = new Uint8Array(node.content.length + 1);
        expect(await memory.files.readInto(node.ino, 0, content), `content of open, unlinked inode ${node.ino}`).toBe(node.content.length);
        expect(content.subarray(0, -1)).toEqual(node.content);
      }
      expect(memory.readsUnderWay).toBe(0);

      await memory.sync();
      const again = await memory.replayed();
      expect(await dumpTree(browse(again), { withTimes: true })).toEqual(dump);
      expect(again.table.counters).toEqual(memory.table.counters);
      expect(again.files.orphanCount).toBe(memory.files.orphanCount);
      expect(again.pending).toEqual([]);
      expect(again.context.pool.takenCount).toBe(memory.context.pool.takenCount);

      const inUse = model.all.length + model.all.filter((node) => node.extended.size > 0).length;
      await memory.query((files) => files.reclaimOrphans(1_000_000));
      expect(memory.table.counters.inodeCount).toBe(inUse);
    }),
    { numRuns: 250 },
  );
});

test('on a volume with a tiny cache, CPs between the changes, and a crash at the end, files are what they should be', async () => {
  await fc.assert(
    fc.asyncProperty(steps(120), fc.array(fc.nat(9), { minLength: 120, maxLength: 120 }), fc.nat(), async (all, cuts, seed) => {
      const home = new MemoryHome({ seed, volume: { cacheBytes: 1 } });
      const volume = await home.create();
      const model = new PosixModel();
      let count = 0;
      const target: Target = {
        blockSizeBytes: 4096,
        change: async (costBlocks, operation) => {
          const cut = cuts[count++ % cuts.length]!;
          const cp = cut === 0 ? volume.takeCp() : undefined;
          if (cut < 2) await cp;
          const result = await volume.change(costBlocks, operation);
          await cp;
          return result;
        },
        sync: () => volume.sync(),
        setTime: () => undefined,
      };
      await drive(target, model, all);
      const without = [...unknownToModel, 'modifiedNs', 'changedNs'];
      const browseVolume = (opened: typeof volume): Parameters<typeof dumpTree>[0] => ({
        query: (operation) => opened.query((files) => operation(files)),
        readInto: (ino, offset, into) => opened.readInto(ino, offset, into),
      });
      const dump = await dumpTree(browseVolume(volume), { withTimes: true });
      expect(comparable(dump, without)).toEqual(comparable(model.dump(), without));
      await volume.sync();
      const again = await home.open();
      expect(await dumpTree(browseVolume(again), { withTimes: true })).toEqual(dump);
      await again.takeCp();
      const inUse = model.all.filter((node) => node.linkCount > 0);
      expect(again.status().inodeCount).toBe(inUse.length + inUse.filter((node) => node.extended.size > 0).length);
      expect((await again.check()).problems).toEqual([]);
      await again.close();
    }),
    { numRuns: 80 },
  );
});
