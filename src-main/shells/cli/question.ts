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

/** A secret: from the terminal, which does not show it, or the first line of standard input. Undefined when there is none. */
export async function readSecret(prompt: string, signal: AbortSignal): Promise<string | undefined> {
  if (process.stdin.isTTY) return askHidden(prompt, signal);
  for await (const line of createInterface({ input: process.stdin })) return line;
  return undefined;
}

async function askHidden(prompt: string, signal: AbortSignal): Promise<string | undefined> {
  const hidden = new Writable({
    write: (_bytes, _encoding, done) => {
      done();
    },
  });
  process.stderr.write(prompt);
  const terminal = createInterface({ input: process.stdin, output: hidden, terminal: true });
  const left = new AbortController();
  // Ctrl-C and Ctrl-D, which the terminal hands over while it is asked like this.
  for (const event of ['SIGINT', 'close']) {
    terminal.on(event, () => {
      left.abort();
    });
  }
  try {
    return await terminal.question('', { signal: AbortSignal.any([signal, left.signal]) });
  } catch {
    return undefined;
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
