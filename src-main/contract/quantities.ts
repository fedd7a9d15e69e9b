import { MirrorpointError } from '../base/index.ts';
import { cpIntervalMsMax, cpIntervalMsMin } from './limits.ts';
import type { HoldCap } from './space-schemas.ts';

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** For a text that was to be some quantity and is none. */
export function unreadableQuantity(text: string, what: string, example: string): MirrorpointError {
  return new MirrorpointError('argument-invalid', `'${text}' is no ${what}. Write it like ${example}.`);
}

/** Bytes from `4096`, `512M`, `10GiB`; units are powers of 1024. */
export function parseSize(text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match === null ? NaN : Math.floor(Number(match[1]) * (sizeUnits[match[2]!.toLowerCase()] ?? NaN));
  if (!Number.isSafeInteger(bytes) || bytes <= 0) throw unreadableQuantity(text, 'size', '512M, 10G or 4T');
  return bytes;
}

/** Milliseconds from `500ms`, `30s`, `5m`, `24h`; `off` is 0. */
export function parseInterval(text: string): number {
  if (text === 'off' || text === '0') return 0;
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/.exec(text.trim());
  const ms = match === null ? NaN : Math.round(Number(match[1]) * (durationUnitsMs[match[2]!] ?? NaN));
  if (!Number.isSafeInteger(ms) || ms <= 0) throw unreadableQuantity(text, 'interval', '1s, 30s, 5m, 24h or off');
  return ms;
}

/** The time from one CP to the next: what `parseInterval` reads, within its bounds. */
export function parseCpInterval(text: string): number {
  const ms = parseInterval(text);
  if (ms !== 0 && (ms < cpIntervalMsMin || ms > cpIntervalMsMax)) throw unreadableQuantity(text, 'time between CPs', '1s, 30s, 5m, 24h or off');
  return ms;
}

const longUnitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000, y: 365 * 86_400_000 };

/** Milliseconds from `15m`, `2h`, `7d`, `1w`, `1y`: a time that schedules are made of. */
export function parseLongTime(text: string): number {
  const match = /^([0-9]+)([mhdwy])$/.exec(text.trim());
  const ms = match === null ? NaN : Number(match[1]) * longUnitsMs[match[2]!]!;
  if (!Number.isSafeInteger(ms) || ms <= 0) throw unreadableQuantity(text, 'time for a schedule', '15m, 2h, 1d, 1w or 1y');
  return ms;
}

/** The text that `parseLongTime` reads. */
export function formatLongTime(ms: number): string {
  const unit = ['y', 'w', 'd', 'h', 'm'].find((letter) => ms % (longUnitsMs[letter] ?? NaN) === 0);
  return unit === undefined ? formatInterval(ms) : `${ms / longUnitsMs[unit]!}${unit}`;
}

/** The text that `parseInterval` reads. */
export function formatInterval(ms: number): string {
  if (ms === 0) return 'off';
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** The text that `parseSize` reads, to the byte: `512M`, `1536K`. */
export function formatSize(bytes: number): string {
  const unit = ['p', 't', 'g', 'm', 'k'].find((letter) => bytes > 0 && bytes % (sizeUnits[letter] ?? NaN) === 0);
  return unit === undefined ? String(bytes) : `${bytes / sizeUnits[unit]!}${unit.toUpperCase()}`;
}

/** A cap from `50G`, `15%`, or undefined for `default`. Whether it makes sense for the volume is the server's to say. */
export function parseCap(text: string): HoldCap | undefined {
  if (text === 'default') return undefined;
  if (text.endsWith('%')) {
    const percent = Number(text.slice(0, -1));
    if (text.length > 1 && Number.isFinite(percent)) return { percent };
    throw unreadableQuantity(text, 'percentage', '15%');
  }
  return { bytes: text === '0' ? 0 : parseSize(text) };
}
