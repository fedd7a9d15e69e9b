import { describe, expect, it } from 'vitest';
import { errorCodes, isFault, MirrorpointError } from '../../src-main/base/index.ts';
import { formatSize } from '../../src-main/contract/index.ts';
import { exitCodeOf } from '../../src-main/shells/cli/exit-codes.ts';
import { table, toJson } from '../../src-main/shells/cli/output.ts';
import { parsePeer } from '../../src-main/shells/cli/peer-reading.ts';
import {
  formatDuration,
  formatInterval,
  formatLongTime,
  formatMode,
  parseCount,
  parseDevice,
  parseInterval,
  parseLongTime,
  parseMode,
  parseSince,
  parseSize,
} from '../../src-main/shells/cli/values.ts';

function isRefused(task: () => unknown): boolean {
  try {
    task();
    return false;
  } catch (thrown) {
    return isFault(thrown, 'argument-invalid');
  }
}

describe('values on the command line', () => {
  it('take a moment as a time, or as how long ago it was', () => {
    const nowWallMs = Date.parse('2026-05-01T12:00:00Z');
    expect(parseSince('90s', nowWallMs)).toBe(nowWallMs - 90_000);
    expect(parseSince('7d', nowWallMs)).toBe(Date.parse('2026-04-24T12:00:00Z'));
    expect(parseSince('2026-04-30T12:00Z', nowWallMs)).toBe(nowWallMs - 86_400_000);
    for (const text of ['', 'lately', '5', '-1h']) expect([text, isRefused(() => parseSince(text, nowWallMs))]).toEqual([text, true]);
  });

  it('take a peer with or without where it is', () => {
    expect(parsePeer('office')).toEqual({ peer: 'office' });
    expect(parsePeer('me@home')).toEqual({ peer: 'me@home' });
    expect(parsePeer('me@home@tls://10.0.0.1:7400')).toEqual({ peer: 'me@home', address: 'tls://10.0.0.1:7400' });
  });

  it.each([
    ['4096', 4096],
    ['4K', 4096],
    ['512M', 512 << 20],
    ['10g', 10 * 2 ** 30],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['4 TB', 4 * 2 ** 40],
  ])('a size %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
    expect(parseSize(formatSize(bytes))).toBe(bytes);
  });

  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['24h', 86_400_000],
    ['off', 0],
  ])('an interval %s', (text, ms) => {
    expect(parseInterval(text)).toBe(ms);
  });

  it.each([
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
    ['1y', 31_536_000_000],
  ])('a time for a schedule %s, and back', (text, ms) => {
    expect(parseLongTime(text)).toBe(ms);
    expect(formatLongTime(ms)).toBe(text);
  });

  it('that mean nothing are refused', () => {
    for (const text of ['', '0', '0d', '-1d', '1.5d', '30s', 'off', '1M', '9999999999999y']) {
      expect([text, isRefused(() => parseLongTime(text))]).toEqual([text, true]);
    }
    for (const text of ['', 'x', '-1', '0', '1Q', '9e99', 'NaN', '1 2']) {
      expect([text, isRefused(() => parseSize(text))]).toEqual([text, true]);
    }
    for (const text of ['', '5', 's', '-1s', '1d']) expect([text, isRefused(() => parseInterval(text))]).toEqual([text, true]);
    for (const text of ['0', '-1', '1.5', 'x']) expect([text, isRefused(() => parseCount(text))]).toEqual([text, true]);
    for (const text of ['8', '77777', 'rwx']) expect([text, isRefused(() => parseMode(text))]).toEqual([text, true]);
  });

  it('a device, with or without a size', () => {
    expect(parseDevice('/dev/sdx')).toEqual({ path: '/dev/sdx' });
    expect(parseDevice('a=b.img=1G')).toEqual({ path: 'a=b.img', sizeBytes: 2 ** 30 });
    expect(isRefused(() => parseDevice('a.img=big'))).toBe(true);
  });

  it('for people', () => {
    expect(formatInterval(parseInterval('90s'))).toBe('90s');
    expect(formatInterval(0)).toBe('off');
    expect([1, 4096, 3 * 2 ** 29, 2 ** 40].map(formatSize)).toEqual(['1', '4K', '1536M', '1T']);
    expect([12, 1500, 61_000, 3_660_000].map(formatDuration)).toEqual(['12 ms', '1.5 s', '1 min 1 s', '1 h 1 min']);
    expect(formatMode('directory', 0o1755)).toBe('drwxr-xr-t');
    expect(formatMode('file', 0o4644)).toBe('-rwSr--r--');
    expect(table(['NAME', '>CP'], [['a', '1'], ['long', '10']])).toEqual(['NAME  CP', 'a      1', 'long  10']);
  });

  it('for programs keep every digit of a nanosecond', () => {
    expect(toJson({ modifiedNs: 1_795_415_008_167_487_427n })).toBe('{"modifiedNs":"1795415008167487427"}');
  });
});

describe('the exit status', () => {
  it('is never that of success for a fault', () => {
    for (const code of errorCodes) expect(exitCodeOf(new MirrorpointError(code, ''))).toBeGreaterThan(0);
    expect(exitCodeOf(new TypeError('mine'))).toBe(1);
    expect(exitCodeOf(new MirrorpointError('path-escapes', ''))).toBe(2);
    expect(exitCodeOf(new MirrorpointError('cancelled', ''))).toBe(130);
  });
});
