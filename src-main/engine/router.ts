import { createRouterClient } from '@orpc/server';
import { eventPageMax, faultFromWire, type MirrorpointClient, type ServerEvent, translatingFaults } from '../contract/index.ts';
import type { Engine } from './engine.ts';
import { cloneProcedures } from './clone-procedures.ts';
import { exploreProcedures } from './explore-procedures.ts';
import { failoverProcedures } from './failover-procedures.ts';
import { fileProcedures } from './file-procedures.ts';
import { followProcedures } from './follow-procedures.ts';
import { historyProcedures } from './history-procedures.ts';
import { machineProcedures } from './machine-procedures.ts';
import { procedures } from './procedures.ts';
import { jobProcedures } from './job-procedures.ts';
import { mountProcedures } from './mount-procedures.ts';
import { remoteProcedures } from './remote-procedures.ts';
import { restoreProcedures } from './restore-procedures.ts';
import { scrubProcedures } from './scrub-procedures.ts';
import type { EngineSession } from './session.ts';
import { shareProcedures, userProcedures } from './share-procedures.ts';
import { scheduleProcedures, snapshotProcedures } from './snapshot-procedures.ts';
import { holdProcedures } from './space-procedures.ts';
import { pairingProcedures, peerProcedures } from './trust-procedures.ts';
import { volumeProcedures } from './volume-procedures.ts';
import { serverProcedures } from './server-procedures.ts';
import { watch } from './watch.ts';

const cpProcedures = {
  now: procedures.cp.now.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    return volume.takeCp('request');
  }),

  history: procedures.cp.history.handler(async ({ input, context: { engine } }) => {
    const { cpLog, volume } = await engine.shelf.primary(input.volume);
    cpLog.add(volume.cpHistory);
    return { records: cpLog.page(input) };
  }),

  setInterval: procedures.cp.setInterval.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    await engine.book.change((now) => ({
      ...now,
      volumes: now.volumes.map((one) => (one.name === input.volume ? { ...one, cpIntervalMs: input.intervalMs } : one)),
    }));
    volume.setCpInterval(input.intervalMs);
    return {};
  }),
};

const relationshipProcedures = {
  link: procedures.relationships.link.handler(async ({ input, context: { engine } }) => {
    await engine.relationships.link(await engine.shelf.lastingPrimary(input.volume), input.address, input.peer);
    return {};
  }),

  unlink: procedures.relationships.unlink.handler(async ({ input, context: { engine } }) => {
    engine.shelf.settingsOf(input.volume);
    const settings = engine.relationships.settingsOf(input.volume, input.address);
    await engine.relationships.unlink(input.volume, input.address);
    await engine.mirrors.renew(input.volume);
    engine.holds.forget(settings);
    return {};
  }),

  list: procedures.relationships.list.handler(({ context: { engine } }) => ({
    relationships: engine.relationshipStatuses(),
  })),

  pause: procedures.relationships.pause.handler(async ({ input, context: { engine } }) => {
    await engine.relationships.setPaused(input.volume, input.address, true);
    await engine.mirrors.renew(input.volume);
    return {};
  }),

  resume: procedures.relationships.resume.handler(async ({ input, context: { engine } }) => {
    await engine.relationships.setPaused(input.volume, input.address, false);
    await engine.mirrors.renew(input.volume);
    return {};
  }),

  limits: procedures.relationships.limits.handler(({ input, context: { engine } }) => engine.relationships.limits(input.volume, input.address)),

  setLimits: procedures.relationships.setLimits.handler(({ input, context: { engine } }) =>
    engine.relationships.setLimits(input.volume, input.address, input.limits),
  ),

  setLagLimit: procedures.relationships.setLagLimit.handler(async ({ input, context: { engine } }) => {
    const { volume, address, lagLimitMs } = input;
    engine.shelf.settingsOf(volume);
    if (address !== undefined) await engine.relationships.setLagLimit(volume, address, lagLimitMs);
    else {
      await engine.book.change((now) => ({
        ...now,
        volumes: now.volumes.map((one) => (one.name === volume ? { ...one, lagLimitMs } : one)),
      }));
    }
    return {};
  }),
};

const eventProcedures = {
  list: procedures.events.list.handler(({ input, context: { engine } }) => engine.events.page(input)),

  watch: procedures.events.watch.handler(({ input: { intervalMs, backlog }, signal, context: { engine } }) => {
    const { events, ports } = engine;
    let after = Math.max(0, events.lastId - backlog);
    const look = (): { events: ServerEvent[] } | undefined => {
      const page = events.page({ after, limit: eventPageMax });
      after = page.events.at(-1)?.id ?? after;
      return page.events.length === 0 ? undefined : { events: page.events };
    };
    return watch(ports.clock, { look, onNews: (listener) => events.onEvent(listener), intervalMs, signal });
  }),
};

/** The contract, implemented. Its context is the engine and the caller's session. */
export const engineRouter = procedures.router({
  server: serverProcedures,
  volumes: volumeProcedures,
  files: fileProcedures,
  explore: exploreProcedures,
  restore: restoreProcedures,
  jobs: jobProcedures,
  history: historyProcedures,
  machine: machineProcedures,
  cp: cpProcedures,
  snapshots: snapshotProcedures,
  schedule: scheduleProcedures,
  follow: followProcedures,
  scrub: scrubProcedures,
  relationships: relationshipProcedures,
  holds: holdProcedures,
  failover: failoverProcedures,
  clones: cloneProcedures,
  shares: shareProcedures,
  users: userProcedures,
  mounts: mountProcedures,
  events: eventProcedures,
  peers: peerProcedures,
  pairing: pairingProcedures,
  remote: remoteProcedures,
});

/** A client of an engine in the same process. */
export function clientOf(engine: Engine, session: EngineSession): MirrorpointClient {
  return createRouterClient(engineRouter, {
    context: { engine, session },
    interceptors: [(options) => translatingFaults(() => options.next(), faultFromWire)],
  });
}
