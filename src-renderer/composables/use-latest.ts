/**
 * Asks one thing after another, of which the last one counts: what is answered
 * late, or fails late, after something else was asked, resolves to undefined.
 */
export function useLatest(): <T extends object>(ask: () => Promise<T>) => Promise<T | undefined> {
  let asked = 0;
  return async (ask) => {
    const own = ++asked;
    try {
      const answer = await ask();
      return own === asked ? answer : undefined;
    } catch (thrown) {
      if (own === asked) throw thrown;
      return undefined;
    }
  };
}
