import type { SwitchOverStep } from '../contract/index.ts';
import { procedures } from './procedures.ts';

const { failover: os } = procedures;

export const failoverProcedures = {
  switchOver: os.switchOver.handler(({ input, context: { engine } }) =>
    engine.jobs.run<SwitchOverStep, { cp: number; epoch: number }>(
      { kind: 'switch-over', subject: `volume ${input.volume}`, volume: input.volume },
      (job) => engine.failover.switchOver(job, input.volume, input.address),
      ({ cp, epoch }) => `The other side leads since CP ${cp}, in epoch ${epoch}.`,
    ),
  ),

  abort: os.abort.handler(async ({ input, context: { engine } }) => {
    await engine.failover.abort(input.volume, input.force);
    return {};
  }),

  prospect: os.prospect.handler(({ input, context: { engine } }) => engine.failover.prospect(input.volume)),

  promote: os.promote.handler(({ input, context: { engine } }) =>
    engine.failover.promote(input.volume, { at: input.at, isForced: input.force }),
  ),

  resync: os.resync.handler(async ({ input, context: { engine } }) => {
    await engine.failover.resync(input.volume, input.address);
    return {};
  }),

  reset: os.reset.handler(async ({ input, context: { engine } }) => {
    await engine.failover.reset(input.volume);
    return {};
  }),
};
