import { ORPCError } from '@orpc/contract';
import { describe, expect, it } from 'vitest';
import { AssertionFault, errorCodes, isFault, MirrorpointError } from '../../src-main/base/index.ts';
import { faultFromWire, faultToWire, translatingFaults } from '../../src-main/contract/index.ts';

/** As it comes out of the other end of a connection. */
function overTheWire(thrown: unknown): unknown {
  if (!(thrown instanceof ORPCError)) return thrown;
  const json = JSON.parse(JSON.stringify(thrown)) as ConstructorParameters<typeof ORPCError>[1] & { code: string };
  return faultFromWire(new ORPCError(json.code, json));
}

describe('a fault that crosses the boundary', () => {
  it.each(errorCodes)('keeps its code and its message: %s', (code) => {
    const back = overTheWire(faultToWire(new MirrorpointError(code, `what, why and next: ${code}`)));
    expect(isFault(back, code)).toBe(true);
    expect((back as Error).message).toBe(`what, why and next: ${code}`);
  });

  it('is one of the program when it has no code that is known', () => {
    const unknown = new ORPCError('FAULT', { message: 'what?', data: { code: 'no-such-code' } });
    expect(faultFromWire(unknown)).toBeInstanceOf(AssertionFault);
    expect(faultFromWire(new ORPCError('INTERNAL_SERVER_ERROR'))).toBeInstanceOf(AssertionFault);
  });

  it('says which part of a request the schema refused', () => {
    const refused = new ORPCError('BAD_REQUEST', {
      message: 'Input validation failed',
      data: { issues: [{ path: ['devices', 0, 'path'], message: 'Too small' }] },
    });
    const fault = faultFromWire(refused);
    expect(isFault(fault, 'argument-invalid')).toBe(true);
    expect((fault as Error).message).toContain('devices.0.path: Too small');
  });

  it('leaves alone what is no fault of the boundary', () => {
    const other = new AssertionFault('mine');
    expect(faultToWire(other)).toBe(other);
    expect(faultFromWire(other)).toBe(other);
  });

  it('is translated in the middle of a stream too', async () => {
    async function* events(): AsyncGenerator<number> {
      yield 1;
      await Promise.resolve();
      throw new MirrorpointError('volume-full', 'full');
    }
    const stream = await translatingFaults(async () => events(), faultToWire);
    const seen: number[] = [];
    const end = await (async () => {
      for await (const event of stream) seen.push(event);
    })().catch((thrown: unknown) => thrown);
    expect(seen).toEqual([1]);
    expect(end).toBeInstanceOf(ORPCError);
    expect(isFault(overTheWire(end), 'volume-full')).toBe(true);
  });
});
