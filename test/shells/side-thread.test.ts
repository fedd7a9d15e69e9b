import { expect, it } from 'vitest';
import { SideThread } from '../../src-main/shells/headless/side-thread.ts';

/** Answers with the number of its thread and what it was asked; an empty order breaks it. */
function echo(): (order: string) => { thread: number; text: string } {
  const { threadId } = process.getBuiltinModule('node:worker_threads');
  return (text) => {
    if (text === '') throw new Error('nothing was ordered');
    return { thread: threadId, text };
  };
}

it('answers in the order of the orders, on one thread', async () => {
  const thread = new SideThread({ name: 'echo', work: echo });
  const texts = Array.from({ length: 50 }, (_, index) => `order ${index}`);
  const answers = await Promise.all(texts.map((text) => thread.ask(text)));
  expect(answers.map(({ text }) => text)).toEqual(texts);
  expect(new Set(answers.map((answer) => answer.thread)).size).toBe(1);
});

it('tells all that wait when it fails, and another thread takes its place', async () => {
  const thread = new SideThread({ name: 'echo', work: echo });
  const { thread: first } = await thread.ask('before');
  const outcomes = await Promise.allSettled([thread.ask(''), thread.ask('behind it')]);
  expect(outcomes).toMatchObject([
    { status: 'rejected', reason: { message: 'nothing was ordered' } },
    { status: 'rejected', reason: { message: 'nothing was ordered' } },
  ]);
  const { thread: second, text } = await thread.ask('after');
  expect(text).toBe('after');
  expect(second).not.toBe(first);
});

it('ends when it has nothing to do for a while, and is there again when there is', async () => {
  const thread = new SideThread({ name: 'echo', work: echo, idleMs: 1 });
  const { thread: first } = await thread.ask('one');
  let last = first;
  while (last === first) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    ({ thread: last } = await thread.ask('two'));
  }
  expect(last).not.toBe(first);
});
