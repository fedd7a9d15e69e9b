import { faultFromWire, MirrorpointError, translatingFaults } from '../../src-main/contract/index.ts';

/** What a call is told whose connection broke under it. */
export function connectionLost(cause?: unknown): MirrorpointError {
  return new MirrorpointError('link-closed', 'The connection to the server broke before it answered. It is tried again by itself; then look whether what you asked for was done.', { cause });
}

/** Has every call of a link fail with coded faults alone. */
export function withCodedFaults(isClosed: () => boolean): <T>(options: { next: () => Promise<T> }) => Promise<T> {
  const translate = (thrown: unknown): unknown => {
    const fault = faultFromWire(thrown);
    return isClosed() && !(fault instanceof MirrorpointError) ? connectionLost(thrown) : fault;
  };
  return (options) => translatingFaults(() => options.next(), translate);
}
