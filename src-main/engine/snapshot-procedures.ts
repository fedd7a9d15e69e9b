import { MirrorpointError } from '../base/index.ts';
import type { RetentionPreview, Schedule } from '../contract/index.ts';
import { faultInRules } from '../retention/index.ts';
import type { Volume } from '../volume/index.ts';
import type { Engine } from './engine.ts';
import { procedures } from './procedures.ts';
import { listSnapshots, snapshotPage } from './root-reading.ts';
import type { ScheduleSettings } from './settings.ts';
import { judgeSnapshots, refuseNeeded, retainSnapshots } from './snapshot-retention.ts';

const { snapshots: os, schedule: schedules } = procedures;

export const snapshotProcedures = {
  create: os.create.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    return volume.createSnapshot(input.snapshot);
  }),

  list: os.list.handler(({ input, context: { engine } }) => listSnapshots(engine, input)),

  delete: os.delete.handler(async ({ input, context: { engine } }) => {
    const open = await engine.shelf.get(input.volume);
    // The one thing on a mirror that is its own.
    if (open.role === 'mirror' && open.mirror.setAside?.name === input.snapshot) {
      await open.mirror.dropSetAside();
      return {};
    }
    const primary = await engine.shelf.primary(input.volume);
    const { volume } = primary;
    await refuseNeeded(volume, input.snapshot, await engine.retentionFacts(primary));
    await volume.deleteSnapshot(input.snapshot);
    return {};
  }),

  hold: os.hold.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    const { label, reason } = input;
    await volume.snapshots.hold(input.snapshot, { label, ...(reason !== undefined && { reason }) });
    return {};
  }),

  release: os.release.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    await volume.snapshots.release(input.snapshot, input.label);
    return {};
  }),
};

export const scheduleProcedures = {
  show: schedules.show.handler(async ({ input, context: { engine } }) => {
    await engine.shelf.get(input.volume);
    return engine.schedules.status(input.volume);
  }),

  set: schedules.set.handler(async ({ input: { volume, schedule }, context: { engine } }) => {
    refuseFaulty(volume, schedule);
    engine.shelf.lasting(volume);
    await engine.shelf.get(volume);
    await changeSchedule(engine, volume, { ...schedule, setWallMs: engine.ports.clock.wallMs() });
    return engine.schedules.status(volume);
  }),

  off: schedules.off.handler(async ({ input: { volume }, context: { engine } }) => {
    settingsOf(engine, volume);
    await changeSchedule(engine, volume, undefined);
    return {};
  }),

  preview: schedules.preview.handler(async ({ input, context: { engine } }): Promise<RetentionPreview> => {
    const keep = input.keep ?? settingsOf(engine, input.volume).keep;
    const open = await engine.shelf.primary(input.volume);
    const { volume } = open;
    const verdicts = await judgeSnapshots(volume, keep, await engine.retentionFacts(open));
    const judged = verdicts.map(({ snapshot: { name, cp, wallMs, holds }, reasons }) => ({ name, cp, wallMs, holds, reasons: [...reasons] }));
    const dropped = judged.filter(({ reasons }) => reasons.length === 0);
    return {
      ...snapshotPage(judged.filter(({ cp }) => cp > (input.after ?? 0)), input.limit),
      keptCount: judged.length - dropped.length,
      droppedCount: dropped.length,
      freedBytes: await freedBytes(volume, dropped.map(({ cp }) => cp)),
    };
  }),

  prune: schedules.prune.handler(async ({ input, context: { engine } }) => {
    const { keep } = settingsOf(engine, input.volume);
    const open = await engine.shelf.primary(input.volume);
    const { volume } = open;
    const facts = await engine.retentionFacts(open);
    const verdicts = await judgeSnapshots(volume, keep, facts);
    const freed = await freedBytes(volume, verdicts.flatMap(({ snapshot, reasons }) => (reasons.length === 0 ? [snapshot.cp] : [])));
    const { dropped } = await retainSnapshots(volume, { keep, facts, isRun: false });
    return { dropped, freedBytes: freed };
  }),
};

/** Throws `argument-invalid` for rules that cannot have been meant. */
function refuseFaulty(volume: string, { everyMs, keep }: Schedule): void {
  const why = faultInRules(everyMs, keep);
  if (why !== undefined) throw new MirrorpointError('argument-invalid', `The schedule for volume ${volume} was refused. ${why}`);
}

function settingsOf(engine: Engine, volume: string): ScheduleSettings {
  const { schedule } = engine.shelf.settingsOf(volume);
  if (schedule !== undefined) return schedule;
  throw new MirrorpointError('not-found', `Volume ${volume} has no schedule. Set one by \`mirrorpoint schedule set\`.`);
}

async function changeSchedule(engine: Engine, volume: string, schedule: ScheduleSettings | undefined): Promise<void> {
  await engine.book.change((now) => ({
    ...now,
    volumes: now.volumes.map((one) => (one.name === volume ? { ...one, schedule } : one)),
  }));
  await engine.schedules.settingsChanged(volume);
}

async function freedBytes(volume: Volume, cps: readonly number[]): Promise<number> {
  return cps.length === 0 ? 0 : (await volume.space.freedBy(cps)) * volume.geometry.blockSizeBytes;
}
