import { faultInLimits, faultInRate, faultInWindow, formatSize, isFault, parseSize, type RateLimitSettings, rateWindowSchema } from '../../src-main/contract/index.ts';

/** One limit as it is typed. */
export interface RateDraft {
  isLimited: boolean;
  /** Such as `2M`. */
  rate: string;
}

/** A part of the day with a limit of its own, as it is typed. */
export interface WindowDraft extends RateDraft {
  /** Tells the rows of a form apart. */
  readonly key: number;
  from: string;
  to: string;
}

/** The limits of a link as they are typed. */
export interface LimitsDraft extends RateDraft {
  windows: WindowDraft[];
}

/** What a draft means, or what is wrong with it: at its rates and windows, or with all of it. */
export interface ReadLimits {
  readonly limits?: RateLimitSettings;
  readonly rateFault?: string | undefined;
  readonly windowFaults: readonly (string | undefined)[];
  readonly wholeFault?: string | undefined;
}

/** What a field offers that had no limit. */
const firstRate = '5M';

function rateDraftOf(bytesPerSecond: number | undefined): RateDraft {
  return bytesPerSecond === undefined ? { isLimited: false, rate: firstRate } : { isLimited: true, rate: formatSize(bytesPerSecond) };
}

export function draftOfLimits({ bytesPerSecond, windows }: RateLimitSettings): LimitsDraft {
  return {
    ...rateDraftOf(bytesPerSecond),
    windows: windows.map((one, key) => ({ key, from: one.from, to: one.to, ...rateDraftOf(one.bytesPerSecond) })),
  };
}

/** A further window: the working day, limited. */
export function newWindow({ windows }: LimitsDraft): WindowDraft {
  return { key: Math.max(-1, ...windows.map(({ key }) => key)) + 1, from: '08:00', to: '18:00', isLimited: true, rate: firstRate };
}

interface ReadRate {
  readonly rate: { bytesPerSecond?: number };
  readonly fault?: string | undefined;
}

function readRate({ isLimited, rate }: RateDraft): ReadRate {
  if (!isLimited) return { rate: {} };
  try {
    const bytesPerSecond = parseSize(rate);
    return { rate: { bytesPerSecond }, fault: faultInRate(bytesPerSecond) };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { rate: {}, fault: thrown.message };
  }
}

/** Reads what was typed, by the rules of the command line. */
export function readLimits(draft: LimitsDraft): ReadLimits {
  const own = readRate(draft);
  const windows = draft.windows.map((window) => {
    const { from, to } = window;
    const { rate, fault } = readRate(window);
    const read = { from, to, ...rate };
    const shape = rateWindowSchema.safeParse(read);
    return { read, fault: fault ?? (shape.success ? faultInWindow(read) : shape.error.issues[0]?.message) };
  });
  const windowFaults = windows.map(({ fault }) => fault);
  if (own.fault !== undefined || windowFaults.some((fault) => fault !== undefined)) return { rateFault: own.fault, windowFaults };
  const limits: RateLimitSettings = { ...own.rate, windows: windows.map(({ read }) => read) };
  const wholeFault = faultInLimits(limits);
  return wholeFault === undefined ? { limits, windowFaults } : { windowFaults, wholeFault };
}
