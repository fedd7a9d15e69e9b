import { createRouterClient, implement } from '@orpc/server';
import { faultFromWire, translatingFaults } from '../../contract/index.ts';
import { engineRouter, type ProcedureContext, withCodedFaults } from '../../engine/index.ts';
import { type CommandClient, commandContract } from './console-contract.ts';
import type { ConsoleDesk } from './console-desk.ts';

export interface CommandContext extends ProcedureContext {
  readonly desk: ConsoleDesk;
}

const procedures = implement(commandContract.console)
  .$context<CommandContext>()
  .use(({ context, next }) => withCodedFaults(context.engine, async () => next()));

const consoleRouter = procedures.router({
  status: procedures.status.handler(({ context: { desk } }) => desk.status()),
  launch: procedures.launch.handler(({ context: { desk } }) => desk.launch()),
  logOut: procedures.logOut.handler(async ({ context: { desk } }) => ({ sessionCount: await desk.logOut() })),
  setPassword: procedures.setPassword.handler(async ({ input, context: { desk } }) => {
    await desk.setPassword(input.password);
    return {};
  }),
  removePassword: procedures.removePassword.handler(async ({ context: { desk } }) => {
    await desk.removePassword();
    return {};
  }),
  listen: procedures.listen.handler(({ input, context: { desk } }) => desk.listen(input)),
  unlisten: procedures.unlisten.handler(async ({ input, context: { desk } }) => {
    await desk.unlisten(input.address);
    return {};
  }),
});

/** What commands may ask, which is more than a console may. */
export const commandRouter = { ...engineRouter, console: consoleRouter };

/** A client of an engine in the same process, with all that commands may ask. */
export function commandClientOf(context: CommandContext): CommandClient {
  return createRouterClient(commandRouter, {
    context,
    interceptors: [(options) => translatingFaults(() => options.next(), faultFromWire)],
  });
}
