import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a folder of files of random bytes, each larger than the one before; returns the folder. */
export function fill(folder: string, count: number, stepBytes = 997): string {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; index++) writeFileSync(join(folder, `${index}.bin`), randomBytes(1 + stepBytes * index));
  return folder;
}
