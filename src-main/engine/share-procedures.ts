import { procedures } from './procedures.ts';

const { shares: os, users } = procedures;

export const shareProcedures = {
  list: os.list.handler(({ context: { engine } }) => engine.shares.report()),

  on: os.on.handler(async ({ input, context: { engine } }) => {
    await engine.shares.turnOn(input.volume, input.users);
    engine.noteChange();
    return engine.shares.report();
  }),

  off: os.off.handler(async ({ input, context: { engine } }) => {
    await engine.shares.turnOff(input.volume);
    engine.noteChange();
    return {};
  }),

  allow: os.allow.handler(async ({ input, context: { engine } }) => {
    await engine.shares.allow(input.volume, input.user, input.access);
    return engine.shares.report();
  }),

  listen: os.listen.handler(async ({ input, context: { engine } }) => {
    const reachedAt = await engine.shares.listen(input);
    return { ...(reachedAt !== undefined && { reachedAt }), ...(input.certificate === undefined && { identity: engine.trust.identity }) };
  }),

  unlisten: os.unlisten.handler(async ({ input, context: { engine } }) => {
    await engine.shares.unlisten(input.address);
    return {};
  }),
};

export const userProcedures = {
  list: users.list.handler(({ context: { engine } }) => ({
    users: engine.shares.users.all.map(({ name }) => ({
      name,
      shares: engine.book.current.volumes.flatMap(({ name: volume, share }) => (share?.users.some((user) => user.name === name) === true ? [volume] : [])),
    })),
  })),

  add: users.add.handler(async ({ input, context: { engine } }) => {
    await engine.shares.users.add(input.user, input.password);
    return {};
  }),

  setPassword: users.setPassword.handler(async ({ input, context: { engine } }) => {
    await engine.shares.users.setPassword(input.user, input.password);
    return {};
  }),

  remove: users.remove.handler(async ({ input, context: { engine } }) => {
    await engine.shares.users.remove(input.user);
    return {};
  }),
};
