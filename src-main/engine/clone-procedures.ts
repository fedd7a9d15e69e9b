import { procedures } from './procedures.ts';

const { clones: os } = procedures;

export const cloneProcedures = {
  start: os.start.handler(async ({ input, context: { engine } }) => {
    const { name, ...of } = input;
    await engine.clones.start(name, of);
    return engine.volumeStatus(name);
  }),

  end: os.end.handler(async ({ input, context: { engine } }) => {
    await engine.clones.end(input.name);
    return {};
  }),

  list: os.list.handler(({ context: { engine } }) => ({ clones: engine.clones.all })),
};
