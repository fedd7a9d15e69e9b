import { checksumOf, type ErrorCode, type SeededRandom, setBigU64 } from '../../src-main/base/index.ts';

/** Something that takes bytes apart which another program, another machine or a drive has given. */
export interface FuzzedDecoder {
  /** What is taken apart. */
  readonly what: string;
  /** The exported functions and classes that do it. */
  readonly by: readonly string[];
  /** How a refusal may be told; a decoder that answers in another way has none. */
  readonly codes: readonly ErrorCode[];
  /** Its share of the inputs beside that of others; 1 unless given. */
  readonly weight?: number;
  /** Noise has so many bytes at most; 200 unless given. */
  readonly noiseBytesMax?: number;
  /** A valid encoding. */
  sample(random: SeededRandom): Uint8Array;
  /** Decodes, and throws where what comes out is not what it must be. False says that it was refused without a fault. */
  take(bytes: Uint8Array, random: SeededRandom): boolean | undefined | Promise<boolean | undefined>;
}

/** One past the last number of 48 bits. */
export const u48End = 2 ** 48;

export function mustBe(is: boolean, what: string): void {
  if (!is) throw new Error(`A decoder gave what it must not: ${what}.`);
}

/** Bytes as the text that a decoder of texts gets. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf8'));
}

/** As many bytes as there must be, with a right checksum in half of the cases: otherwise noise gets no further than that. */
export function sealed(bytes: Uint8Array, lengthBytes: number, random: SeededRandom): Uint8Array {
  const whole = new Uint8Array(lengthBytes);
  whole.set(bytes.subarray(0, lengthBytes));
  if (random.chance(0.7)) setBigU64(whole, lengthBytes - 8, checksumOf(whole.subarray(0, lengthBytes - 8)));
  return whole;
}

/** The bytes cut or filled up with zeros to a length. */
export function padded(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  if (bytes.length >= lengthBytes) return bytes.slice(0, lengthBytes);
  const whole = new Uint8Array(lengthBytes);
  whole.set(bytes);
  return whole;
}

const edges = [0, 1, 0x7f, 0x80, 0xff];

/** A few hostile edits: bits turned, bytes replaced, numbers made huge, parts cut off, left out or repeated. */
export function mutated(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  let copy: Uint8Array = bytes.slice();
  for (let edits = 1 + random.below(4); edits > 0 && copy.length > 0; edits--) {
    // Heads are at the beginning, and most of what there is to decide.
    const at = random.chance(0.5) ? random.below(Math.min(copy.length, 96)) : random.below(copy.length);
    const edit = random.below(20);
    if (edit < 6) copy[at] = copy[at]! ^ (1 << random.below(8));
    else if (edit < 10) copy[at] = random.below(256);
    else if (edit < 13) copy[at] = random.pick(edges);
    else if (edit < 16) copy.fill(0xff, at, at + random.pick([2, 4, 6, 8]));
    else if (edit < 18) copy = copy.slice(0, random.below(copy.length + 1));
    else copy = spliced(random, copy, at);
  }
  return copy;
}

function spliced(random: SeededRandom, bytes: Uint8Array, at: number): Uint8Array {
  const length = random.below(Math.min(64, bytes.length - at) + 1);
  const part = bytes.subarray(at, at + length);
  const rest = bytes.subarray(at + length);
  return new Uint8Array(Buffer.concat(random.chance(0.5) ? [bytes.subarray(0, at), rest] : [bytes.subarray(0, at), part, part, rest]));
}

/** A decoder of short texts. `read` gives undefined for a text that it refuses without a fault. */
export function textDecoder(what: string, by: string, samples: readonly string[], options: { read: (text: string) => unknown; codes?: FuzzedDecoder['codes'] }): FuzzedDecoder {
  return {
    what,
    by: [by],
    codes: options.codes ?? ['argument-invalid'],
    weight: 0.5,
    noiseBytesMax: 24,
    sample: (random) => bytesOf(random.pick(samples)),
    take: (bytes) => options.read(textOf(bytes)) !== undefined,
  };
}
