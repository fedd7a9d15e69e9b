import { scrubScheduleSchema, type ScrubStatus } from '../contract/index.ts';
import { MirrorpointError } from '../base/index.ts';
import type { Engine } from './engine.ts';
import { procedures } from './procedures.ts';
import { checkRate, type VolumeScrub } from './volume-scrub.ts';
import { watch } from './watch.ts';

async function scrubOf(engine: Engine, volume: string): Promise<VolumeScrub> {
  await engine.shelf.get(volume);
  return engine.scrubs.of(volume);
}

/** A pass outlives the command that asks for it. */
function needServer(engine: Engine): void {
  if (engine.isServing) return;
  throw new MirrorpointError('server-not-running', 'A scrub runs in a server, and none runs on this configuration folder. Start one by `mirrorpoint serve`.');
}

const { scrub: os } = procedures;

export const scrubProcedures = {
  start: os.start.handler(async ({ input, context: { engine } }): Promise<ScrubStatus> => {
    needServer(engine);
    const scrub = await scrubOf(engine, input.volume);
    await scrub.start(input.bytesPerSecond);
    return scrub.status();
  }),

  pause: os.pause.handler(async ({ input, context: { engine } }) => {
    needServer(engine);
    const scrub = await scrubOf(engine, input.volume);
    await scrub.pause();
    return scrub.status();
  }),

  stop: os.stop.handler(async ({ input, context: { engine } }) => {
    needServer(engine);
    const scrub = await scrubOf(engine, input.volume);
    await scrub.stop();
    return scrub.status();
  }),

  status: os.status.handler(async ({ input, context: { engine } }) => (await scrubOf(engine, input.volume)).status()),

  watch: os.watch.handler(async ({ input: { volume, intervalMs }, signal, context: { engine } }) => {
    const scrub = await scrubOf(engine, volume);
    return watch(engine.ports.clock, { look: () => scrub.status(), onNews: (listener) => scrub.onChange(listener), intervalMs, signal });
  }),

  setSchedule: os.setSchedule.handler(async ({ input: { volume, ...given }, context: { engine } }) => {
    checkRate(given.bytesPerSecond);
    const scrub = await scrubOf(engine, volume);
    const before = engine.shelf.settingsOf(volume).scrub ?? scrubScheduleSchema.parse({});
    const { everyDays = before.everyDays, bytesPerSecond = before.bytesPerSecond } = given;
    await engine.book.change((now) => ({
      ...now,
      volumes: now.volumes.map((one) => (one.name === volume ? { ...one, scrub: { everyDays, bytesPerSecond } } : one)),
    }));
    scrub.reschedule();
    return scrub.status();
  }),
};
