import { once } from 'node:events';
import { Writable } from 'node:stream';
import { createInterface } from 'node:readline/promises';

/** Asks at the terminal. Only a written yes is one; without a terminal nobody says it. */
export async function askAtTerminal(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} Write yes to agree [no]: `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}

/** A line of a secret: from the terminal, which does not show it, or the first line of standard input. Undefined when there is none. */
export async function readSecret(prompt: string, signal: AbortSignal): Promise<string | undefined> {
  const isTerminal = process.stdin.isTTY;
  const hidden = new Writable({
    write: (_bytes, _encoding, done) => {
      done();
    },
  });
  if (isTerminal) process.stderr.write(prompt);
  const lines = createInterface({ input: process.stdin, output: hidden, terminal: isTerminal });
  const interrupted = new AbortController();
  lines.on('SIGINT', () => {
    interrupted.abort();
  });
  try {
    const ended = once(lines, 'close').then(() => undefined);
    return await Promise.race([lines.question('', { signal: AbortSignal.any([signal, interrupted.signal]) }), ended]);
  } catch {
    return undefined;
  } finally {
    lines.close();
    if (isTerminal) process.stderr.write('\n');
  }
}
