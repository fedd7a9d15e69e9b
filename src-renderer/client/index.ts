/**
 * Client: the only code of the console that knows which host it runs in and
 * which bridge it speaks over. It holds no state of its own.
 */
export { type ConsoleHost, detectHost } from './detect-host.ts';
