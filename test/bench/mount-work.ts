/** What a program does on a mount while it is timed: `node mount-work.ts FOLDER WORK`; prints the seconds that it took. */
import * as fs from 'node:fs';
import { join } from 'node:path';

const [folder = '', work = ''] = process.argv.slice(2);
const largeBytes = 1024 << 20;
const smallBytes = 24 << 20;
const fileCount = 2000;

function write(name: string, totalBytes: number, pieceBytes: number): void {
  const file = fs.openSync(join(folder, name), 'w');
  const piece = Buffer.alloc(pieceBytes, 'mirror');
  for (let done = 0; done < totalBytes; done += pieceBytes) fs.writeSync(file, piece);
  fs.closeSync(file);
}

function read(name: string): void {
  const file = fs.openSync(join(folder, name), 'r');
  const piece = Buffer.alloc(1 << 20);
  while (fs.readSync(file, piece) > 0);
  fs.closeSync(file);
}

function create(name: string): void {
  fs.mkdirSync(join(folder, name));
  const content = Buffer.alloc(1000, 'x');
  for (let index = 0; index < fileCount; index++) fs.writeFileSync(join(folder, name, `file ${index}`), content);
}

const startedMs = performance.now();
if (work === 'write') write('large', largeBytes, 1 << 20);
else if (work === 'read') read('large');
else if (work === 'write-small') write('small', smallBytes, 4096);
else create(work);
process.stdout.write(String((performance.now() - startedMs) / 1000));
