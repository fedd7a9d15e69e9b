import { implement, ORPCError } from '@orpc/server';
import { AssertionFault, MirrorpointError } from '../base/index.ts';
import { contract, faultToWire, translatingFaults } from '../contract/index.ts';
import type { Engine } from './engine.ts';
import type { EngineSession } from './session.ts';

/** What every procedure works with: the engine, and what its caller holds open. */
export interface ProcedureContext {
  readonly engine: Engine;
  readonly session: EngineSession;
}

/** A fault of the program itself goes to the server's log, with the place where it arose. */
function toWire(engine: Engine, thrown: unknown): unknown {
  if (!(thrown instanceof MirrorpointError) && !(thrown instanceof ORPCError)) {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    engine.events.add('server', `A fault in the program: ${text}`, { level: 'problem' });
  }
  return thrown instanceof AssertionFault ? new ORPCError('INTERNAL_SERVER_ERROR', { message: thrown.message }) : faultToWire(thrown);
}

/** The contract's procedures, to be given their handlers. Faults leave them with their codes. */
export const procedures = implement(contract)
  .$context<ProcedureContext>()
  .use(async ({ context, next }) => {
    const translate = (thrown: unknown): unknown => toWire(context.engine, thrown);
    const result = await translatingFaults(async () => next(), translate);
    return { ...result, output: await translatingFaults(() => Promise.resolve(result.output), translate) };
  });
