import { formatTime, MirrorpointError } from '../../base/index.ts';

export { formatDuration, formatTime } from '../../base/index.ts';

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function bad(text: string, what: string, example: string): MirrorpointError {
  return new MirrorpointError('argument-invalid', `'${text}' is no ${what}. Write it like ${example}.`);
}

/** Bytes from `4096`, `512M`, `10GiB`; units are powers of 1024. */
export function parseSize(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match === null ? NaN : Math.floor(Number(match[1]) * (sizeUnits[match[2]!.toLowerCase()] ?? NaN));
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw bad(text, 'size', '512M, 10G or 4T');
  return bytes;
}

/** Milliseconds from `500ms`, `30s`, `5m`, `24h`; `off` is 0. */
export function parseInterval(text: string): number {
  if (text === 'off' || text === '0') return 0;
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/.exec(text.trim());
  const ms = match === null ? NaN : Math.round(Number(match[1]) * (durationUnitsMs[match[2]!] ?? NaN));
  if (!Number.isSafeInteger(ms) || ms <= 0) throw bad(text, 'interval', '1s, 30s, 5m, 24h or off');
  return ms;
}

const longUnitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000, y: 365 * 86_400_000 };

/** Milliseconds from `15m`, `2h`, `7d`, `1w`, `1y`: a time that schedules are made of. */
export function parseLongTime(text: string): number {
  const match = /^([0-9]+)([mhdwy])$/.exec(text.trim());
  const ms = match === null ? NaN : Number(match[1]) * longUnitsMs[match[2]!]!;
  if (!Number.isSafeInteger(ms) || ms <= 0) throw bad(text, 'time for a schedule', '15m, 2h, 1d, 1w or 1y');
  return ms;
}

/** The text that `parseLongTime` reads. */
export function formatLongTime(ms: number): string {
  const unit = ['y', 'w', 'd', 'h', 'm'].find((letter) => ms % (longUnitsMs[letter] ?? NaN) === 0);
  return unit === undefined ? formatInterval(ms) : `${ms / longUnitsMs[unit]!}${unit}`;
}

/** A moment, in milliseconds since 1970 UTC, from a time of ISO 8601 or from how long ago it was: `90s`, `15m`, `24h`, `7d`. */
export function parseSince(text: string, nowWallMs: number): number {
  const ago = /^([0-9]+)([smhdw])$/.exec(text.trim());
  const unitMs = longUnitsMs[ago?.[2] ?? ''] ?? durationUnitsMs[ago?.[2] ?? ''] ?? NaN;
  const wallMs = ago !== null ? nowWallMs - Number(ago[1]) * unitMs : /^[0-9]{4}-[0-9]{2}/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(wallMs)) throw bad(text, 'time', '15m, 24h, 7d or 2026-05-01T12:00Z');
  return wallMs;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(count) || count < 1) throw bad(text, 'count', '20');
  return count;
}

/** An octal mode, such as 755. */
export function parseMode(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw bad(text, 'mode', '755');
  return parseInt(text, 8);
}

/** A device as commands name it: `PATH` of what exists, or `PATH=SIZE` of an image to make. */
export function parseDevice(text: string): { path: string; sizeBytes?: number } {
  const sign = text.lastIndexOf('=');
  if (sign <= 0) return { path: text };
  return { path: text.slice(0, sign), sizeBytes: parseSize(text.slice(sign + 1)) };
}

/** An interval as it is written on the command line. */
export function formatInterval(ms: number): string {
  if (ms === 0) return 'off';
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

export function formatModified(timeNs: bigint): string {
  return formatTime(Number(timeNs / 1_000_000n));
}

const kindLetters: Readonly<Record<string, string>> = { directory: 'd', symlink: 'l', file: '-' };

/** `drwxr-xr-x` of a kind and permission bits. */
export function formatMode(kind: string, mode: number): string {
  const triple = (bits: number, special: boolean, letter: string): string => {
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? 'x' : '-';
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${last}`;
  };
  const user = triple(mode >> 6, (mode & 0o4000) !== 0, 's');
  const group = triple(mode >> 3, (mode & 0o2000) !== 0, 's');
  return `${kindLetters[kind] ?? '?'}${user}${group}${triple(mode, (mode & 0o1000) !== 0, 't')}`;
}
