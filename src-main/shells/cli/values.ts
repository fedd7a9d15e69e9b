import { formatTime } from '../../base/index.ts';
import { parseSize, unreadableQuantity } from '../../contract/index.ts';

export { formatDuration, formatTime } from '../../base/index.ts';
export { formatInterval, formatLongTime, parseCpInterval, parseInterval, parseLongTime, parseSize } from '../../contract/index.ts';

const agoUnitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** A moment, in milliseconds since 1970 UTC, from a time of ISO 8601 or from how long ago it was: `90s`, `15m`, `24h`, `7d`. */
export function parseSince(text: string, nowWallMs: number): number {
  const ago = /^([0-9]+)([smhdw])$/.exec(text.trim());
  const unitMs = agoUnitsMs[ago?.[2] ?? ''] ?? NaN;
  const wallMs = ago !== null ? nowWallMs - Number(ago[1]) * unitMs : /^[0-9]{4}-[0-9]{2}/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(wallMs)) throw unreadableQuantity(text, 'time', '15m, 24h, 7d or 2026-05-01T12:00Z');
  return wallMs;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(count) || count < 1) throw unreadableQuantity(text, 'count', '20');
  return count;
}

/** An octal mode, such as 755. */
export function parseMode(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw unreadableQuantity(text, 'mode', '755');
  return parseInt(text, 8);
}

/** A device as commands name it: `PATH` of what exists, or `PATH=SIZE` of an image to make. */
export function parseDevice(text: string): { path: string; sizeBytes?: number } {
  const sign = text.lastIndexOf('=');
  if (sign <= 0) return { path: text };
  return { path: text.slice(0, sign), sizeBytes: parseSize(text.slice(sign + 1)) };
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
