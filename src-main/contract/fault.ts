import { type ErrorMap, ORPCError } from '@orpc/contract';
import { z } from 'zod';
import { AssertionFault, type ErrorCode, errorCodes, MirrorpointError, reasonOf } from '../base/index.ts';

/** The one error that procedures declare: an operating fault, with its code. */
export const faultErrors = {
  FAULT: {
    status: 422,
    message: 'The request met a fault.',
    data: z.object({ code: z.enum(errorCodes) }),
  },
} satisfies ErrorMap;

const knownCodes: ReadonlySet<string> = new Set(errorCodes);

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && knownCodes.has(value);
}

/** What a handler threw, as it crosses the boundary. What is no fault stays what it is. */
export function faultToWire(thrown: unknown): unknown {
  if (!(thrown instanceof MirrorpointError)) return thrown;
  return new ORPCError('FAULT', {
    defined: true,
    status: faultErrors.FAULT.status,
    message: thrown.message,
    data: { code: thrown.code },
    cause: thrown,
  });
}

interface SchemaIssue {
  message: string;
  path?: readonly unknown[];
}

function issuesOf(data: unknown): readonly SchemaIssue[] {
  if (typeof data !== 'object' || data === null || !('issues' in data) || !Array.isArray(data.issues)) return [];
  return data.issues as SchemaIssue[];
}

/** The sentence for an input that the schema refused: which part, and why. */
function refusedInput(error: ORPCError<string, unknown>): MirrorpointError {
  const parts = issuesOf(error.data).map((issue) => {
    const key = (issue.path ?? []).map(String).join('.');
    return key === '' ? issue.message : `${key}: ${issue.message}`;
  });
  const why = parts.length === 0 ? error.message : parts.join('; ');
  return new MirrorpointError('argument-invalid', `The request was refused before anything was done. ${why}`, {
    cause: error,
  });
}

/** What a caller gets for a thrown value that came over the boundary. */
export function faultFromWire(thrown: unknown): unknown {
  if (!(thrown instanceof ORPCError)) return thrown;
  const error = thrown as ORPCError<string, unknown>;
  const { data } = error;
  if (error.code === 'FAULT' && typeof data === 'object' && data !== null && 'code' in data && isErrorCode(data.code)) {
    return new MirrorpointError(data.code, error.message, { cause: error });
  }
  if (error.code === 'BAD_REQUEST') return refusedInput(error);
  if (error.cause instanceof MirrorpointError || error.cause instanceof AssertionFault) return error.cause;
  return new AssertionFault(`the server met a fault of its own, see its log: ${reasonOf(error)}`);
}

/** Whether a value is a stream of events. */
function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function* translatedStream(
  stream: AsyncIterable<unknown>,
  translate: (thrown: unknown) => unknown,
): AsyncGenerator<unknown, void, void> {
  try {
    yield* stream;
  } catch (thrown) {
    throw translate(thrown);
  }
}

/** Runs a call, and translates what it throws, at once or later in its stream of events. */
export async function translatingFaults<T>(
  call: () => Promise<T>,
  translate: (thrown: unknown) => unknown,
): Promise<T> {
  try {
    const result = await call();
    return isStream(result) ? (translatedStream(result, translate) as T) : result;
  } catch (thrown) {
    throw translate(thrown);
  }
}
