import { MirrorpointError, toHex } from '../base/index.ts';

/** Bytes of UTF-8 in one name. */
export const nameBytesMax = 255;

/** Bytes of UTF-8 in a symbolic link's target. */
export const symlinkBytesMax = 4095;

function invalid(name: string, why: string): never {
  throw new MirrorpointError('name-invalid', `The name ${JSON.stringify(name)} cannot be used: ${why}. Choose another name.`);
}

/** The UTF-8 bytes of a name for a directory entry; `name-invalid` or `name-too-long` when it cannot be one. */
export function nameToBytes(name: string): Uint8Array {
  if (name === '') invalid(name, 'it is empty');
  if (name === '.' || name === '..') invalid(name, 'it means a directory itself');
  if (name.includes('/')) invalid(name, 'a name holds no slash');
  return textToBytes(name);
}

/** As `nameToBytes`, for names of extended attributes, which may hold slashes and dots. */
export function attributeNameToBytes(name: string): Uint8Array {
  if (name === '') invalid(name, 'it is empty');
  return textToBytes(name);
}

function textToBytes(name: string): Uint8Array {
  if (name.includes('\0')) invalid(name, 'a name holds no zero byte');
  if (!name.isWellFormed()) invalid(name, 'it holds half of a surrogate pair, which has no UTF-8 form');
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length > nameBytesMax) {
    throw new MirrorpointError(
      'name-too-long',
      `The name ${JSON.stringify(`${name.slice(0, 40)}…`)} takes ${bytes.length} bytes; at most ${nameBytesMax} are possible. Choose a shorter name.`,
    );
  }
  return bytes;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The string of bytes that are UTF-8, or undefined. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The name that a source gives in bytes; `name-invalid` names bytes that are no UTF-8 in hexadecimal. */
export function nameFromBytes(bytes: Uint8Array): string {
  const name = decodeUtf8(bytes);
  if (name === undefined) {
    throw new MirrorpointError(
      'name-invalid',
      `A name with the bytes ${toHex(bytes.subarray(0, nameBytesMax))} (hexadecimal) is not UTF-8. Rename it at its source and try again.`,
    );
  }
  nameToBytes(name);
  return name;
}
