import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Closing, type ClosingParts } from '../../src-main/shells/electron/closing.ts';

interface Ending {
  /** What happened, in order. */
  readonly steps: string[];
  readonly exitCode: number;
}

/** Asks for the end so many times, and waits for it. */
async function end(parts: Partial<ClosingParts>, askedCount = 1): Promise<Ending> {
  const steps: string[] = [];
  const app = new EventEmitter();
  const exitCode = await new Promise<number>((resolve) => {
    new Closing(Object.assign(app, { exit: (code = 0) => resolve(code) }) as never, {
      onBegin: () => steps.push('begin'),
      close: async () => void steps.push('closed'),
      tell: (text) => steps.push(text),
      ...parts,
    });
    for (let time = 0; time < askedCount; time++) {
      const event = { isPrevented: false, preventDefault: () => (event.isPrevented = true) };
      app.emit('before-quit', event);
      expect(event.isPrevented).toBe(true);
    }
  });
  return { steps, exitCode };
}

describe('the end of the program', () => {
  it('waits until everything has closed, however often it is asked for', async () => {
    expect(await end({}, 3)).toEqual({ steps: ['begin', 'closed'], exitCode: 0 });
  });

  it('says what failed, and that nothing acknowledged is lost', async () => {
    const { steps, exitCode } = await end({ close: () => Promise.reject(new Error('the device is gone')) });
    expect(exitCode).toBe(1);
    expect(steps.at(-1)).toMatch(/could not end in order: the device is gone .*journals/);
  });

  it('does not wait for ever for a device that does not answer', async () => {
    const { steps, exitCode } = await end({ close: () => new Promise(() => undefined), waitMsMax: 20 });
    expect(exitCode).toBe(1);
    expect(steps.at(-1)).toMatch(/took longer than 0\.02 s, and was given up.*journals/);
  });
});
