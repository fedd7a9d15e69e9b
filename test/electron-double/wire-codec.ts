/** What the double carries between the main process and a page, as text. */
export interface WireCodec {
  encode(value: unknown): string;
  decode(text: string): unknown;
}

/**
 * Carries what the structured clone of Electron's main process carries, and
 * refuses what that refuses: functions, blobs, files. It is put into pages as
 * its own text, so it uses nothing from outside itself.
 */
export function wireCodec(): WireCodec {
  const refuse = (): never => {
    throw new Error('An object could not be cloned.');
  };
  const toBase64 = (bytes: Uint8Array): string => {
    let text = '';
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
  };
  const pack = (value: unknown): unknown => {
    if (value === undefined) return { u: 0 };
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') return Number.isFinite(value) ? value : { n: String(value) };
    if (typeof value === 'bigint') return { i: String(value) };
    if (typeof value !== 'object') return refuse();
    if (Array.isArray(value)) return { a: value.map(pack) };
    if (value instanceof ArrayBuffer) return { b: toBase64(new Uint8Array(value)) };
    if (ArrayBuffer.isView(value)) return { v: toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
    if (value instanceof Error) return { e: value.message };
    const kind: unknown = Object.getPrototypeOf(value);
    if (kind !== Object.prototype && kind !== null) return refuse();
    return { o: Object.entries(value).map(([key, part]) => [key, pack(part)]) };
  };
  const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const unpack = (packed: unknown): unknown => {
    if (packed === null || typeof packed !== 'object') return packed;
    const { n, i, a, b, v, e, o } = packed as { n?: string; i?: string; a?: unknown[]; b?: string; v?: string; e?: string; o?: [string, unknown][] };
    if (n !== undefined) return Number(n);
    if (i !== undefined) return BigInt(i);
    if (a !== undefined) return a.map(unpack);
    if (b !== undefined) return fromBase64(b).buffer;
    if (v !== undefined) return fromBase64(v);
    if (e !== undefined) return new Error(e);
    if (o !== undefined) return Object.fromEntries(o.map(([key, part]) => [key, unpack(part)]));
    return undefined;
  };
  return { encode: (value) => JSON.stringify(pack(value)), decode: (text) => unpack(JSON.parse(text)) };
}
