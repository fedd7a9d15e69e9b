import { describe, expect, it } from 'vitest';
import { alertKey, alertPath, type ServerEvent } from '../../src-main/contract/index.ts';
import { causeWord } from '../../src-renderer/views/activity/cp-words.ts';
import { isLookedFor, noFilter, subjectOfAlert, subjectsOf } from '../../src-renderer/views/activity/event-filter.ts';
import { closingWords, jobDuration, jobStateWords, shareOf } from '../../src-renderer/views/activity/job-words.ts';

const event = (parts: Partial<ServerEvent> = {}): ServerEvent => ({ id: 1, wallMs: 0, level: 'info', subject: 'volume work', text: 'The link came back.', ...parts });

describe('the filter of events', () => {
  it('has all of a level and above it', () => {
    const levels = (['info', 'warning', 'problem'] as const).map((level) => event({ level }));
    expect(levels.filter((one) => isLookedFor(one, { ...noFilter, level: 'warning' })).map(({ level }) => level)).toEqual(['warning', 'problem']);
    expect(levels.every((one) => isLookedFor(one, noFilter))).toBe(true);
  });

  it('has those of one subject, whole', () => {
    expect(isLookedFor(event(), { ...noFilter, subject: 'volume work' })).toBe(true);
    expect(isLookedFor(event(), { ...noFilter, subject: 'volume' })).toBe(false);
  });

  it('finds text whatever its case, in what happened, what it is about and what to do', () => {
    for (const text of ['LINK', 'work', 'pause', '  link ']) expect(isLookedFor(event({ next: 'Pause it.' }), { ...noFilter, text }), text).toBe(true);
    expect(isLookedFor(event(), { ...noFilter, text: 'scrub' })).toBe(false);
  });

  it('knows what events are about, each once', () => {
    expect(subjectsOf([event({ subject: 'server' }), event(), event()])).toEqual(['server', 'volume work']);
  });
});

describe('the address of an alert', () => {
  it('leads to it alone, whatever its subject has in it', () => {
    const alert = { kind: 'lag', subject: 'volume work -> tls://192.0.2.20:7400' } as const;
    expect(alertPath(alert)).toBe('/activity?alert=lag%20volume%20work%20-%3E%20tls%3A%2F%2F192.0.2.20%3A7400');
    expect(subjectOfAlert(alertKey(alert))).toBe(alert.subject);
    expect(subjectOfAlert('nonsense')).toBe('');
  });
});

describe('a job', () => {
  it('that left something out is not simply done', () => {
    expect(jobStateWords({ state: 'done', problemCount: 0 })).toEqual({ level: 'good', word: 'Done' });
    expect(jobStateWords({ state: 'done', problemCount: 2 })).toEqual({ level: 'attention', word: 'Done, not all of it' });
    expect(jobStateWords({ state: 'failed', problemCount: 0 }).level).toBe('problem');
  });

  it('says whether the window may be closed', () => {
    expect(closingWords({ isDetached: true })).toContain('safe to close');
    expect(closingWords({ isDetached: false })).toContain('ends with the window');
  });

  it('took as long as from its start to its end, and no less than nothing when the clock was set back', () => {
    expect(jobDuration({ startedWallMs: 1000, endedWallMs: 3500 })).toBe('2.5 s');
    expect(jobDuration({ startedWallMs: 5000, endedWallMs: 1000 })).toBe('0 ms');
    expect(jobDuration({ startedWallMs: 1000 })).toBeUndefined();
  });

  it('is as far as its bytes are, or its files where there are no bytes', () => {
    expect(shareOf({ files: 1, bytes: 25, filesTotal: 2, bytesTotal: 100 })).toBe(0.25);
    expect(shareOf({ files: 1, bytes: 0, filesTotal: 2 })).toBe(0.5);
    expect(shareOf({ files: 3, bytes: 30 })).toBeUndefined();
  });
});

it('a cause that the window does not know is called what the server calls it', () => {
  expect([causeWord('timer'), causeWord('something-new')]).toEqual(['its interval', 'something-new']);
});
