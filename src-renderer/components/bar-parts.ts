/** How a part of a bar is filled, so that parts are told apart without colours. */
export type BarFill = 'solid' | 'stripes' | 'dots' | 'waves' | 'none';

export interface BarPart {
  readonly label: string;
  readonly bytes: number;
  readonly fill: BarFill;
  /** A custom property of the theme, such as `--mp-accent`. */
  readonly colour: string;
  /** What more is to be said of it. */
  readonly hint?: string;
}

/** The share of each part, from 0 to 1; a part that is there at all can be seen. */
export function partShares(bytes: readonly number[], leastShare = 0.004): number[] {
  const total = bytes.reduce((sum, one) => sum + one, 0);
  if (total === 0) return bytes.map(() => 0);
  const wanted = bytes.map((one) => (one === 0 ? 0 : Math.max(leastShare, one / total)));
  const sum = wanted.reduce((all, one) => all + one, 0);
  return wanted.map((one) => one / sum);
}

/** A share in words: what is there is never 0 %, and what is not all is never 100 %. */
export function shareWords(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  const percent = (part / whole) * 100;
  if (percent < 1) return 'under 1 %';
  if (percent > 99 && part < whole) return 'over 99 %';
  return `${Math.round(percent)} %`;
}
