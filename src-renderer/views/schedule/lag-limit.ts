import { formatInterval, lagLimitMsSchema, MirrorpointError, parseInterval } from '../../../src-main/contract/index.ts';

/** A lag limit as it is written: `5m`, or `default`, which is undefined. Throws `argument-invalid`. */
export function parseLagLimit(text: string): { lagLimitMs: number | undefined } {
  const written = text.trim();
  if (written === 'default') return { lagLimitMs: undefined };
  const lagLimitMs = parseInterval(written);
  if (lagLimitMsSchema.safeParse(lagLimitMs).success) return { lagLimitMs };
  throw new MirrorpointError('argument-invalid', `'${written}' is no lag limit. Write it like 30s, 5m or 24h, up to 720h; or default.`);
}

export function lagLimitText(ms: number): string {
  return formatInterval(ms);
}
