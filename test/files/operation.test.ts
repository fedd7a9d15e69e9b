import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOperation, encodeOperation, type Operation, operationBytes } from '../../src-main/files/index.ts';
import { operations } from './any-operation.ts';

const never = (): never => {
  throw new Error('nothing is read for an operation that carries its data');
};

describe('the record of a change', () => {
  test('comes back from its bytes as it was, and is as long as was said', () => {
    fc.assert(
      fc.property(operations, (operation) => {
        const record = encodeOperation(operation, never);
        expect(record.length).toBe(operationBytes(operation));
        expect(decodeOperation(record)).toEqual(operation);
      }),
      { numRuns: 2000 },
    );
  });

  test('takes the content of a write from the file at the moment of its encoding', () => {
    const write: Operation = { kind: 'write', ino: 7, offsetBytes: 5, lengthBytes: 3, nowNs: 1n };
    const asked: unknown[] = [];
    const record = encodeOperation(write, (file, offsetBytes, target) => {
      asked.push([file, offsetBytes, target.length]);
      target.set([1, 2, 3]);
    });
    expect(asked).toEqual([[7, 5, 3]]);
    expect(decodeOperation(record)).toEqual({ ...write, data: new Uint8Array([1, 2, 3]) });
  });

  test('is refused when a name in it cannot be one', () => {
    for (const bad of ['..', 'a/b', '', 'x\0']) {
      const record = encodeOperation({ kind: 'unlink', parent: 1, name: bad, released: true, nowNs: 0n }, never);
      expect(() => decodeOperation(record)).toThrow(expect.objectContaining({ code: 'volume-damaged' }));
    }
  });
});
