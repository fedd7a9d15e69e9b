/** Does something with each, so many at a time; the first fault ends it, when those under way have ended. */
export async function forEachAtOnce<T>(items: Iterable<T>, atOnceMax: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed: { fault: unknown } | undefined;
  const run = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && failed === undefined; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (fault) {
        failed ??= { fault };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, run));
  if (failed !== undefined) throw failed.fault;
}
