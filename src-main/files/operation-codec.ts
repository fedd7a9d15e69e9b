import {
  assert,
  getBigU64,
  getU16,
  getU32,
  getU48,
  getU64,
  isFault,
  MirrorpointError,
  setBigU64,
  setU16,
  setU32,
  setU48,
  setU64,
} from '../base/index.ts';
import { fileSizeMaxBytes } from '../format/index.ts';
import type { AttributeChanges } from './attributes.ts';
import { writeBytesMax } from './content-changing.ts';
import { attributeValueBytesMax } from './extended-attributes.ts';
import { attributeNameToBytes, decodeUtf8, nameToBytes, symlinkBytesMax } from './name.ts';
import { describeOperation, type Operation, type OperationKind } from './operation.ts';

/** Gives the bytes that a file holds now, zeros where it holds none. */
export type ReadCurrent = (ino: number, offsetBytes: number, target: Uint8Array) => void;

const recordHeaderBytes = 1;

type FieldType =
  | 'inode'
  | 'u32'
  | 'mode'
  | 'bytes'
  | 'flag'
  | 'time'
  | 'name'
  | 'attributeName'
  | 'target'
  | 'value'
  | 'writeLength'
  | 'changes';

type Fields = readonly (readonly [name: string, type: FieldType])[];

const named: Fields = [
  ['parent', 'inode'],
  ['name', 'name'],
];
const newFile: Fields = [
  ['mode', 'mode'],
  ['uid', 'u32'],
  ['gid', 'u32'],
  ['ino', 'inode'],
];
const timed: Fields = [['nowNs', 'time']];
const ino: Fields = [['ino', 'inode']];

/** Every operation's number and fields, in their order on disk; FORMAT.md says the same in words. */
const layouts: Readonly<Record<OperationKind, { number: number; fields: Fields }>> = {
  createFile: { number: 1, fields: [...timed, ...named, ...newFile] },
  makeDirectory: { number: 2, fields: [...timed, ...named, ...newFile] },
  symlink: { number: 3, fields: [...timed, ...named, ...newFile, ['target', 'target']] },
  link: { number: 4, fields: [...timed, ...named, ...ino] },
  unlink: { number: 5, fields: [...timed, ...named, ['released', 'flag']] },
  removeDirectory: { number: 6, fields: [...timed, ...named, ['released', 'flag']] },
  rename: {
    number: 7,
    fields: [...timed, ...named, ['toParent', 'inode'], ['toName', 'name'], ['exchange', 'flag'], ['released', 'flag']],
  },
  write: { number: 8, fields: [...timed, ...ino, ['offsetBytes', 'bytes'], ['lengthBytes', 'writeLength']] },
  truncate: { number: 9, fields: [...timed, ...ino, ['sizeBytes', 'bytes']] },
  punchHole: { number: 10, fields: [...timed, ...ino, ['offsetBytes', 'bytes'], ['lengthBytes', 'bytes']] },
  setAttributes: { number: 11, fields: [...timed, ...ino, ['changes', 'changes']] },
  setExtendedAttribute: {
    number: 12,
    fields: [
      ...timed,
      ...ino,
      ['attributesInode', 'inode'],
      ['name', 'attributeName'],
      ['value', 'value'],
    ],
  },
  removeExtendedAttribute: { number: 13, fields: [...timed, ...ino, ['name', 'attributeName']] },
  shrinkOrphan: { number: 14, fields: [...ino, ['sizeBytes', 'bytes']] },
  release: { number: 15, fields: ino },
};

const kindsByNumber = new Map(Object.entries(layouts).map(([kind, { number }]) => [number, kind as OperationKind]));

const changeFields: readonly (readonly [keyof AttributeChanges, FieldType])[] = [
  ['mode', 'mode'],
  ['uid', 'u32'],
  ['gid', 'u32'],
  ['modifiedNs', 'time'],
  ['accessedNs', 'time'],
  ['createdNs', 'time'],
];

const fixedBytes: Partial<Record<FieldType, number>> = { inode: 6, u32: 4, mode: 2, bytes: 8, flag: 1, time: 8 };

function lengthOf(type: FieldType, value: unknown): number {
  switch (type) {
    case 'name':
    case 'attributeName':
    case 'target':
      return 2 + Buffer.byteLength(value as string, 'utf8');
    case 'value':
      return 4 + (value as Uint8Array).length;
    case 'writeLength':
      return 4 + (value as number);
    case 'changes': {
      const changes = value as AttributeChanges;
      return changeFields.reduce((sum, [name, part]) => sum + (changes[name] === undefined ? 0 : fixedBytes[part]!), 1);
    }
    default:
      return fixedBytes[type]!;
  }
}

/** Bytes that an operation takes when encoded. */
export function operationBytes(operation: Operation): number {
  const values = operation as unknown as Record<string, unknown>;
  return layouts[operation.kind].fields.reduce((sum, [name, type]) => sum + lengthOf(type, values[name]), recordHeaderBytes);
}

/** Encodes an operation. What a `write` wrote is read as it is now: requests are replayed together, so the end is right. */
export function encodeOperation(operation: Operation, readCurrent: ReadCurrent): Uint8Array {
  const bytes = new Uint8Array(operationBytes(operation));
  const values = operation as unknown as Record<string, unknown>;
  const { number, fields } = layouts[operation.kind];
  bytes[0] = number;
  let offset = recordHeaderBytes;
  for (const [name, type] of fields) {
    const value = values[name];
    putField(bytes, offset, type, value);
    const length = lengthOf(type, value);
    if (type === 'writeLength' && operation.kind === 'write') {
      const target = bytes.subarray(offset + 4, offset + length);
      if (operation.data === undefined) readCurrent(operation.ino, operation.offsetBytes, target);
      else target.set(operation.data);
    }
    offset += length;
  }
  assert(offset === bytes.length, 'an encoded operation is as long as was said');
  return bytes;
}

function putField(bytes: Uint8Array, offset: number, type: FieldType, value: unknown): void {
  switch (type) {
    case 'inode':
      setU48(bytes, offset, value as number);
      return;
    case 'u32':
    case 'writeLength':
      setU32(bytes, offset, value as number);
      return;
    case 'mode':
      setU16(bytes, offset, value as number);
      return;
    case 'bytes':
      setU64(bytes, offset, value as number);
      return;
    case 'flag':
      bytes[offset] = value === true ? 1 : 0;
      return;
    case 'time':
      setBigU64(bytes, offset, BigInt.asUintN(64, value as bigint));
      return;
    case 'name':
    case 'attributeName':
    case 'target': {
      const text = Buffer.from(value as string, 'utf8');
      setU16(bytes, offset, text.length);
      bytes.set(text, offset + 2);
      return;
    }
    case 'value':
      setU32(bytes, offset, (value as Uint8Array).length);
      bytes.set(value as Uint8Array, offset + 4);
      return;
    case 'changes':
      putChanges(bytes, offset, value as AttributeChanges);
  }
}

function putChanges(bytes: Uint8Array, offset: number, changes: AttributeChanges): void {
  let at = offset + 1;
  changeFields.forEach(([name, type], bit) => {
    if (changes[name] === undefined) return;
    bytes[offset]! |= 1 << bit;
    putField(bytes, at, type, changes[name]);
    at += fixedBytes[type]!;
  });
}

function damaged(why: string): never {
  throw new MirrorpointError(
    'volume-damaged',
    `A request in the journal is damaged: ${why}. Run \`mirrorpoint volume check\` on the volume; requests after its last consistency point may be lost.`,
  );
}

/** Reads one record's fields, and never beyond its end. */
class FieldReader {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.offset === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.offset) damaged('it is cut off');
    this.offset += length;
    return this.#bytes.subarray(this.offset - length, this.offset);
  }

  field(type: FieldType): unknown {
    switch (type) {
      case 'inode':
        return getU48(this.take(6), 0) || damaged('it names no inode');
      case 'u32':
        return getU32(this.take(4), 0);
      case 'mode':
        return upTo(getU16(this.take(2), 0), 0o7777);
      case 'bytes':
        return upTo(getU64(this.take(8), 0), fileSizeMaxBytes);
      case 'flag':
        return upTo(this.take(1)[0]!, 1) === 1;
      case 'time':
        return BigInt.asIntN(64, getBigU64(this.take(8), 0));
      case 'name':
        return this.#checked(255, nameToBytes);
      case 'attributeName':
        return this.#checked(255, attributeNameToBytes);
      case 'target':
        return this.#text(symlinkBytesMax);
      case 'value':
        return this.take(upTo(getU32(this.take(4), 0), attributeValueBytesMax)).slice();
      case 'writeLength':
        return upTo(getU32(this.take(4), 0), writeBytesMax);
      case 'changes':
        return this.#changes();
    }
  }

  #text(bytesMax: number): string {
    const bytes = this.take(upTo(getU16(this.take(2), 0), bytesMax));
    return decodeUtf8(bytes) ?? damaged('a name in it is not UTF-8');
  }

  #checked(bytesMax: number, check: (text: string) => unknown): string {
    const text = this.#text(bytesMax);
    try {
      check(text);
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      damaged('a name in it cannot be one');
    }
    return text;
  }

  #changes(): AttributeChanges {
    const bits = upTo(this.take(1)[0]!, (1 << changeFields.length) - 1);
    const present = changeFields.filter((_, bit) => (bits & (1 << bit)) !== 0);
    return Object.fromEntries(present.map(([name, type]) => [name, this.field(type)]));
  }
}

function upTo(value: number, limit: number): number {
  return value <= limit ? value : damaged('a number in it is out of range');
}

/**
 * Decodes an operation from its record. Everything in it is in range, or
 * `volume-damaged` is thrown. The data of a `write` is a view.
 */
export function decodeOperation(bytes: Uint8Array): Operation {
  const kind = kindsByNumber.get(bytes[0] ?? 0);
  if (kind === undefined) damaged('it is of no known kind');
  const reader = new FieldReader(bytes.subarray(recordHeaderBytes));
  const values: Record<string, unknown> = { kind };
  for (const [name, type] of layouts[kind].fields) {
    values[name] = reader.field(type);
    if (type === 'writeLength') values.data = reader.take(values[name] as number);
  }
  const operation = values as unknown as Operation;
  if (!reader.isAtEnd) damaged(`there is more to it than ${describeOperation(operation)} has`);
  return operation;
}
