import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { lookAtSchedule, nextRunMs } from '../../src-main/retention/index.ts';
import { testSeed } from '../seed.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const monday = Date.UTC(2026, 10, 23);

describe('a schedule', () => {
  it('runs at the full hours, days and weeks of UTC', () => {
    expect(nextRunMs(hourMs, monday + 5)).toBe(monday + hourMs);
    expect(nextRunMs(dayMs, monday + 5)).toBe(monday + dayMs);
    expect(nextRunMs(7 * dayMs, monday - 1)).toBe(monday);
    expect(lookAtSchedule(hourMs, { lastMs: monday, nowMs: monday + hourMs - 1 })).toEqual({ due: 0, lastMs: monday });
    expect(lookAtSchedule(hourMs, { lastMs: monday, nowMs: monday + hourMs })).toEqual({ due: 1, lastMs: monday + hourMs });
  });

  it('knows how many runs a sleep of three days missed, and makes up for them by one', () => {
    const awake = monday + 3 * dayMs + minuteMs;
    const look = lookAtSchedule(hourMs, { lastMs: monday, nowMs: awake });
    expect(look).toEqual({ due: 72, lastMs: awake });
    expect(lookAtSchedule(hourMs, { lastMs: look.lastMs, nowMs: awake + minuteMs }).due).toBe(0);
  });

  it('neither storms nor falls silent while its clock is set back and forward (100 histories)', () => {
    for (let seed = testSeed; seed < testSeed + 100; seed++) {
      const random = new SeededRandom(seed);
      const everyMs = random.pick([minuteMs, 15 * minuteMs, hourMs, dayMs]);
      const tickMs = everyMs / 10;
      let wallMs = monday + random.below(dayMs);
      let lastMs = wallMs;
      let steps = 0;
      let runs = 0;
      let sinceRunMs = 0;
      for (let tick = 0; tick < 1000; tick++) {
        wallMs += tickMs;
        sinceRunMs += tickMs;
        // Steps lie far enough apart for each to be judged by itself.
        if (tick % 40 === 39) {
          wallMs += (random.next() - 0.5) * random.pick([minuteMs, dayMs, 20_000 * dayMs]);
          steps++;
        }
        const look = lookAtSchedule(everyMs, { lastMs, nowMs: wallMs });
        lastMs = look.lastMs;
        if (look.due > 0) {
          runs++;
          sinceRunMs = 0;
        }
        if (sinceRunMs > 2 * everyMs + tickMs) expect.fail(`seed ${seed}: silent for ${sinceRunMs / everyMs} intervals at tick ${tick}`);
      }
      if (runs > 1000 / 10 + steps + 1) expect.fail(`seed ${seed}: ${runs} runs in 100 intervals with ${steps} steps of the clock`);
    }
  });
});
