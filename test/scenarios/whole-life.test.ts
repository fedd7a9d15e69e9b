import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RelationshipStatus, ScrubStatus, Snapshot } from '../../src-main/contract/index.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { expectEverywhere, type Machine, machines, settled } from './paired-machines.ts';
import { fill } from './random-files.ts';
import { codeOf, eventually, succeed, testFolder } from './scenario-place.ts';

async function linkOf({ server }: Machine): Promise<RelationshipStatus> {
  return (await server.client.relationships.list({})).relationships[0]!;
}

async function put(machine: Machine, folder: string, index: number): Promise<string> {
  const source = fill(join(folder, `source-${index}`), 20, 5000);
  await succeed(machine.place, 'put', source, `${machine.volume}:/${index}`);
  return source;
}

/** Writes other bytes over a block of a file in an image. */
function spoil(image: string, file: string): void {
  const offset = readFileSync(image).indexOf(readFileSync(file).subarray(8192, 12_288));
  expect(offset).toBeGreaterThan(0);
  const descriptor = openSync(image, 'r+');
  writeSync(descriptor, Buffer.alloc(100, 7), 0, 100, offset);
  closeSync(descriptor);
}

it('two machines live through a relationship: pair, fall behind, lose their base, heal, try out, swap, fail over, come back, and begin anew', async () => {
  const folder = testFolder();
  const pair = await machines(folder);
  const [a, b] = pair;
  await using _a = { [Symbol.asyncDispose]: () => a.server[Symbol.asyncDispose]() };
  await using _b = { [Symbol.asyncDispose]: () => b.server[Symbol.asyncDispose]() };
  const sources = [await put(a, folder, 0)];
  expect(await settled(pair)).toBe(a);
  expect(await succeed(a.place, 'status')).toMatch(/identical at CP \d+ of \S+, root [0-9a-f]{16};/);
  await expectEverywhere(pair, sources);
  const { address } = await linkOf(a);

  // The mirror is away for so long that its base goes.
  await b.server.stop();
  sources.push(await put(a, folder, 1));
  await succeed(a.place, 'cp', 'now', 'work');
  await succeed(a.place, 'hold', 'release', 'work', address, '--yes');
  for (let round = 0; round < 3; round++) await succeed(a.place, 'cp', 'now', 'work');
  b.server = await ServerProcess.start(b.place);
  expect(await settled(pair)).toBe(a);
  await expectEverywhere(pair, sources);

  // A block rots on the mirror, and a state is tried out there while mirroring goes on.
  spoil(join(folder, 'b.img'), join(sources[0]!, '19.bin'));
  const scrubbed = JSON.parse(await succeed(b.place, '--json', 'scrub', 'start', 'copy', '--wait')) as ScrubStatus;
  expect(scrubbed.last).toMatchObject({ healedBlocks: 1, lostBlocks: 0 });
  await succeed(b.place, 'clone', 'start', 'copy', 'trial');
  await succeed(b.place, 'rm', '-r', 'trial:/0');
  sources.push(await put(a, folder, 2));
  expect(await settled(pair)).toBe(a);
  await expectEverywhere(pair, sources);
  expect(codeOf(await runCommand(b.place, '--json', 'stat', 'trial:/0'))).toBe('not-found');
  await succeed(b.place, 'clone', 'end', 'trial');

  // The roles are swapped on purpose.
  await succeed(a.place, 'switchover', 'work');
  sources.push(await put(b, folder, 3));
  expect(await settled(pair)).toBe(b);
  await expectEverywhere(pair, sources);

  // The new primary dies with something that only it has, and comes back to another that leads.
  await succeed(a.place, 'pause', 'work');
  const late = await put(b, folder, 4);
  await succeed(b.place, 'cp', 'now', 'copy');
  await b.server.kill();
  await succeed(a.place, 'promote', 'work', '--yes');
  expect(codeOf(await runCommand(a.place, '--json', 'promote', 'work', '--yes'))).toBe('volume-is-primary');
  await succeed(a.place, 'resume', 'work');
  sources.push(await put(a, folder, 5));
  b.server = await ServerProcess.start(b.place);
  expect(await settled(pair)).toBe(a);
  const [aside] = (JSON.parse(await succeed(b.place, '--json', 'snapshot', 'list', 'copy')) as Snapshot[]).filter(({ isSetAside }) => isSetAside);
  await succeed(b.place, 'compare', late, `copy@${aside!.name}:/4`);
  await succeed(b.place, 'snapshot', 'delete', `copy@${aside!.name}`);

  // The two part for good: nothing that both have is kept any more, and nobody decides it but the administrator.
  await b.server.stop();
  await succeed(a.place, 'hold', 'release', 'work', address, '--yes');
  for (let round = 0; round < 3; round++) await succeed(a.place, 'cp', 'now', 'work');
  await a.server.stop();
  b.server = await ServerProcess.start(b.place);
  await succeed(b.place, 'promote', 'copy', '--yes');
  const after = await put(b, folder, 6);
  a.server = await ServerProcess.start(a.place);
  const refused = await eventually(() => linkOf(b), ({ code }) => code === 'no-common-cp');
  expect(refused.reason).toContain('mirrorpoint resync');
  await succeed(a.place, 'compare', sources.at(-1)!, 'work:/5');
  await succeed(b.place, 'resync', 'copy', '--yes');
  expect(await settled(pair)).toBe(b);
  await succeed(a.place, 'compare', after, 'work:/6');
  for (const { place, volume } of pair) expect((await runCommand(place, 'volume', 'check', volume)).exitCode).toBe(0);
});
