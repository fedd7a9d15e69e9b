import { procedures } from './procedures.ts';

const { mounts: os } = procedures;

export const mountProcedures = {
  add: os.add.handler(({ input, context: { engine } }) => engine.mounts.add(input)),

  remove: os.remove.handler(async ({ input: { folder, force }, context: { engine } }) => {
    await engine.mounts.remove(folder, { force });
    return {};
  }),

  list: os.list.handler(({ context: { engine } }) => ({ mounts: engine.mounts.all })),
};
