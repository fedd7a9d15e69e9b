import { procedures } from './procedures.ts';
import { watch } from './watch.ts';

const { jobs: os } = procedures;

export const jobProcedures = {
  list: os.list.handler(({ context: { engine } }) => ({ jobs: engine.jobs.all })),

  watch: os.watch.handler(({ input: { intervalMs }, signal, context: { engine } }) =>
    watch(engine.ports.clock, { look: () => ({ jobs: engine.jobs.all }), onNews: (listener) => engine.jobs.onChange(listener), intervalMs, signal }),
  ),

  cancel: os.cancel.handler(({ input, context: { engine } }) => engine.jobs.cancel(input.jobId)),
};
