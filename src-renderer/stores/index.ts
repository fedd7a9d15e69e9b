/**
 * Stores: one Pinia store per domain of the contract. A store owns what the
 * engine told it; components get it as props. The connection's store has the
 * client, and every other one asks through it.
 */
export { useConnectionStore } from './connection.ts';
export { useServerStore } from './server.ts';
export { useJobsStore } from './jobs.ts';
export { useEventsStore } from './events.ts';
export { type NativeChoice, useMachineStore } from './machine.ts';
export { type PairingSide, usePairingStore } from './pairing.ts';
export { type Run, useRunsStore } from './runs.ts';
