import type { SpaceReport } from '../contract/index.ts';
import type { RootSpace, SpaceReport as VolumeSpaceReport } from '../volume/index.ts';
import type { Engine } from './engine.ts';
import { checkCap } from './hold-rules.ts';
import { procedures } from './procedures.ts';
import { addressOf } from './settings.ts';
import type { OpenPrimary, OpenVolume } from './volume-opening.ts';

function holdersOf(engine: Engine, open: OpenPrimary, report: VolumeSpaceReport): SpaceReport['holders'] {
  const { blockSizeBytes } = open.set;
  const mirrors = engine.relationships.heldOf(open.name).map(({ settings, relationship }) => {
    const { heldBytes, heldSinceCp, heldCapBytes } = engine.holds.statusOf(open, settings);
    const { peerName } = relationship.status();
    return {
      kind: 'mirror' as const,
      address: addressOf(settings),
      ...(peerName !== undefined && { peerName }),
      bytes: heldBytes,
      sinceCp: heldSinceCp,
      capBytes: heldCapBytes,
    };
  });
  const { blocks, sinceCp } = report.views;
  return [...mirrors, ...(sinceCp === 0 ? [] : [{ kind: 'readers' as const, bytes: blocks * blockSizeBytes, sinceCp }])];
}

async function spaceOf(engine: Engine, name: string, page: { after?: number; limit: number }): Promise<SpaceReport> {
  const open = await engine.shelf.get(name);
  if (open.role === 'mirror') return inBytes(open, await open.mirror.space(page), []);
  const report = await open.volume.space.report(page);
  return inBytes(open, report, holdersOf(engine, open, report));
}

function inBytes({ name, set: { blockSizeBytes } }: OpenVolume, report: RootSpace, holders: SpaceReport['holders']): SpaceReport {
  return {
    volume: name,
    cp: report.cp,
    sizeBytes: report.blockCount * blockSizeBytes,
    usedBytes: report.usedBlocks * blockSizeBytes,
    liveBytes: report.liveBlocks * blockSizeBytes,
    keptBytes: report.keptBlocks * blockSizeBytes,
    freeBytes: report.freeBlocks * blockSizeBytes,
    snapshots: report.snapshots.map(({ uniqueBlocks, holds, ...snapshot }) => ({
      ...snapshot,
      holds: holds.map(({ label }) => label),
      uniqueBytes: uniqueBlocks * blockSizeBytes,
    })),
    more: report.more,
    holders,
  };
}

export const spaceProcedure = procedures.volumes.space.handler(({ input, context: { engine } }) => {
  const { volume, after, limit } = input;
  return spaceOf(engine, volume, { limit, ...(after !== undefined && { after }) });
});

export const holdProcedures = {
  list: procedures.holds.list.handler(async ({ input, context: { engine } }) => {
    const open = await engine.shelf.primary(input.volume);
    await open.volume.space.measure();
    const holds = engine.relationships.heldOf(open.name).map(({ settings, relationship }) => {
      const { peerName } = relationship.status();
      return { ...engine.holds.statusOf(open, settings), address: addressOf(settings), ...(peerName !== undefined && { peerName }) };
    });
    return { holds };
  }),

  setCap: procedures.holds.setCap.handler(async ({ input, context: { engine } }) => {
    const { volume: name, address, cap } = input;
    const open = await engine.shelf.primary(name);
    if (cap !== undefined) checkCap(cap, { name, sizeBytes: open.set.blockCount * open.set.blockSizeBytes });
    await engine.relationships.setHoldCap(name, address, cap);
    // The new cap is judged at once.
    await open.volume.space.measure();
    return engine.holds.statusOf(open, engine.relationships.held(name, address).settings);
  }),

  release: procedures.holds.release.handler(async ({ input, context: { engine } }) => {
    const { volume: name, address } = input;
    const open = await engine.shelf.primary(name);
    await open.volume.space.measure();
    await engine.holds.drop(open, engine.relationships.held(name, address), 'request');
    await open.volume.takeCp('request');
    await open.volume.space.measure();
    return engine.holds.statusOf(open, engine.relationships.held(name, address).settings);
  }),
};
