/**
 * The seed of this run's random tests: `SEED` when it is given; a fixed one in
 * CI, so that a change is judged by what it changes; else a new one each time,
 * so that developers' machines go on searching. Tests print it where they fail.
 */
export const testSeed = Number(process.env.SEED ?? (process.env.CI === undefined ? (Date.now() ^ process.pid) >>> 0 : 20261123));
