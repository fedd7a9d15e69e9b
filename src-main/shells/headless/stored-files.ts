import { open, readFile, rename } from 'node:fs/promises';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { MirrorpointError, reasonOf } from '../../base/index.ts';
import type { LineLog, TextStore } from '../../engine/index.ts';

function failed(path: string, doing: string, cause: unknown): MirrorpointError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const text = `${path} could not be ${doing}: ${reasonOf(cause)}. Check the folder's owner and free space.`;
  return new MirrorpointError(code === 'ENOSPC' ? 'device-full' : 'not-permitted', text, { cause });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw failed(path, 'read', cause);
  }
}

async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(dirname(path), 'r');
  await handle.sync();
}

/** Writes a text beside the file, makes it durable, and gives it the name. */
async function replaceFile(path: string, text: string): Promise<void> {
  const beside = join(dirname(path), `.${path.slice(dirname(path).length + 1)}.new`);
  try {
    const handle = await open(beside, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
    await flushFolder(path);
  } catch (cause) {
    fs.rmSync(beside, { force: true });
    throw failed(path, 'written', cause);
  }
}

/** A text in a file, replaced by renaming. */
export function fileTextStore(path: string): TextStore {
  return { name: path, read: () => readIfThere(path), write: (text) => replaceFile(path, text) };
}

/** What a stored text says; undefined where it is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Lines in a file. What follows the last newline was cut short, and is dropped with the next line. */
export class FileLineLog implements LineLog {
  readonly #path: string;
  #isMended = false;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<readonly string[]> {
    const text = (await readIfThere(this.#path)) ?? '';
    return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').slice(0, -1);
  }

  async append(lines: readonly string[]): Promise<void> {
    if (!this.#isMended) await this.#mend();
    try {
      await using handle = await open(this.#path, 'a', 0o600);
      await handle.writeFile(lines.map((line) => `${line}\n`).join(''));
    } catch (cause) {
      throw failed(this.#path, 'written', cause);
    }
  }

  async replace(lines: readonly string[]): Promise<void> {
    fs.mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    await replaceFile(this.#path, lines.map((line) => `${line}\n`).join(''));
    this.#isMended = true;
  }

  async #mend(): Promise<void> {
    const text = await readIfThere(this.#path);
    if (text === undefined || (text !== '' && !text.endsWith('\n'))) await this.replace(await this.read());
    this.#isMended = true;
  }
}
