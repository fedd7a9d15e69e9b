const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const shape = /^[A-Za-z]{3}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/;

/** A time of files as HTTP writes it, in whole seconds. */
export function httpDate(timeNs: bigint): string {
  return new Date(Number(timeNs / 1_000_000_000n) * 1000).toUTCString();
}

/** The seconds since 1970 UTC of a date of HTTP, or undefined for what is none. */
export function parseHttpDate(text: string): number | undefined {
  const found = shape.exec(text.trim());
  if (found === null) return undefined;
  const [day, year, hour, minute, second] = [found[1], found[3], found[4], found[5], found[6]].map(Number) as [number, number, number, number, number];
  const month = months.indexOf(found[2] ?? '');
  return month < 0 ? undefined : Date.UTC(year, month, day, hour, minute, second) / 1000;
}

export function secondsOf(timeNs: bigint): number {
  return Number(timeNs / 1_000_000_000n);
}
