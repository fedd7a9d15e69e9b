import { describe, expect, it } from 'vitest';
import { draftOfLimits, newWindow, readLimits } from '../../src-renderer/components/limits-draft.ts';

const limits = { bytesPerSecond: 10 << 20, windows: [{ from: '08:00', to: '18:00', bytesPerSecond: 2 << 20 }, { from: '22:00', to: '06:00' }] };

describe('the limits of a link, as they are typed', () => {
  it('mean what they were made of', () => {
    expect(draftOfLimits(limits)).toMatchObject({ isLimited: true, rate: '10M', windows: [{ rate: '2M' }, { isLimited: false }] });
    for (const each of [limits, { windows: [] }]) expect(readLimits(draftOfLimits(each)).limits).toEqual(each);
  });

  it('are refused where they are typed, in the words of the command line', () => {
    const draft = draftOfLimits(limits);
    draft.rate = 'fast';
    draft.windows[0]!.rate = '1K';
    draft.windows[1]!.to = '22:00';
    const read = readLimits(draft);
    expect(read.limits).toBeUndefined();
    expect(read.rateFault).toBe("'fast' is no size. Write it like 512M, 10G or 4T.");
    expect(read.windowFaults).toEqual([expect.stringContaining('less than the least'), expect.stringContaining('22:00 to 22:00 is none')]);
    draft.windows[0]!.from = '';
    draft.windows[0]!.rate = '1M';
    expect(readLimits(draft).windowFaults[0]).toBe('a time of day is HH:MM');
  });

  it('are refused as a whole where their hours overlap', () => {
    const draft = draftOfLimits(limits);
    draft.windows.push(newWindow(draft));
    expect(draft.windows.map(({ key }) => key)).toEqual([0, 1, 2]);
    expect(readLimits(draft)).toMatchObject({ wholeFault: expect.stringContaining('08:00-18:00 and 08:00-18:00 overlap'), windowFaults: [undefined, undefined, undefined] });
  });

  it('have no limit where the mark is taken away, whatever is typed beside it', () => {
    const draft = draftOfLimits(limits);
    draft.isLimited = false;
    draft.rate = 'nonsense';
    expect(readLimits(draft).limits).toEqual({ windows: limits.windows });
  });
});
