/** A programmer's fault: an invariant of the code itself does not hold. It is never caught and retried. */
export class AssertionFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AssertionFault';
  }
}

/** Stops with an AssertionFault unless the condition holds. Where much runs, a message that is put together is given as a function. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionFault(typeof message === 'string' ? message : message());
}

/** The value, which must be there. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionFault(`${what} must be present`);
  return value;
}
