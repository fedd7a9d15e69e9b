/**
 * Client: the only code of the console that knows which host it runs in and
 * which bridge it speaks over: a port to the engine in the desktop window, a
 * WebSocket to the server in a browser.
 *
 * - One client for the life of the page; when the bridge breaks it is built
 *   anew, and calls that were under way fail with `link-closed`.
 * - Every fault that leaves here is a coded one, or a defect of the program.
 * - It holds no state of the engine.
 */
export { connectConsole } from './console-client.ts';
export type { ConnectionState, ConsoleClient } from './console-client.ts';
export { type Carrier, type OpenCarrier } from './carrier.ts';
export { hostOfWindow } from './host.ts';
export type { Host } from './host.ts';
