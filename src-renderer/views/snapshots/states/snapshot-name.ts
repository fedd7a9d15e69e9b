const two = (value: number): string => String(value).padStart(2, '0');

/** A name for a snapshot that is taken now: the day and the time of this machine, such as `2026-03-01 14.20.05`. */
export function freeNameNow(now: Date): string {
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  return `${day} ${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('.')}`;
}
