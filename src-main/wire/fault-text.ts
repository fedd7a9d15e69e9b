import { errorCodes } from '../base/index.ts';
import type { ErrorCode } from '../base/index.ts';
import type { BodyReader, BodyWriter } from './body.ts';
import { faultCodeBytesMax, faultTextBytesMax } from './limits.ts';
import type { FaultMessage } from './message.ts';

const knownCodes: ReadonlySet<string> = new Set(errorCodes);
const codeShape = /^[a-z][a-z0-9-]*$/;
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/g;
const encoder = new TextEncoder();

export function hasControlCharacters(text: string): boolean {
  return text.search(controlCharacters) >= 0;
}

/** The text in UTF-8, cut between characters so that it fits. */
export function utf8Within(text: string, bytesMax: number): Uint8Array {
  const bytes = new Uint8Array(bytesMax);
  const { written } = encoder.encodeInto(text, bytes);
  return bytes.subarray(0, written);
}

export function writeFault(writer: BodyWriter, fault: FaultMessage): void {
  writer.u8('final', fault.final ? 1 : 0);
  const code = encoder.encode(fault.code);
  writer.u8('the length of the code', code.length, { min: 1, max: faultCodeBytesMax });
  writer.bytes('the code', code);
  const text = utf8Within(fault.message, faultTextBytesMax);
  writer.u16('the length of the text', text.length);
  writer.bytes('the text', text);
}

/**
 * A code that this version does not know becomes 'peer-fault', with the code
 * kept in the text: a newer peer may have more to say. Control characters of
 * the text become spaces, since the text ends up in logs and terminals.
 */
export function readFault(reader: BodyReader): FaultMessage {
  const final = reader.u8('final', { max: 1 }) === 1;
  const code = reader.text('the code', reader.u8('the length of the code', { min: 1, max: faultCodeBytesMax }));
  if (!codeShape.test(code)) reader.fail('its code is not a word of a-z, 0-9 and hyphens');
  const textBytes = reader.u16('the length of the text', { max: faultTextBytesMax });
  const text = reader.text('the text', textBytes).replace(controlCharacters, ' ');
  if (knownCodes.has(code)) return { type: 'fault', code: code as ErrorCode, message: text, final };
  return { type: 'fault', code: 'peer-fault', message: `${code}: ${text}`, final };
}
