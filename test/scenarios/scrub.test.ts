import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ScrubStatus } from '../../src-main/contract/index.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const blockBytes = 4096;

/** Writes other bytes over a block of an image, wherever in it that stands. */
function spoil(image: string, block: Buffer): void {
  const offset = readFileSync(image).indexOf(block);
  expect(offset, `the block is in ${image}`).toBeGreaterThan(0);
  const file = openSync(image, 'r+');
  writeSync(file, randomBytes(300), 0, 300, offset + 1000);
  closeSync(file);
}

describe('bytes that rot in an image', () => {
  it('are found by a scrub on either side and healed from the other, and what is bad on both is named', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    const [imageA, imageB] = [join(folder, 'a.img'), join(folder, 'b.img')];
    await succeed(b, 'volume', 'create', 'copy', `${imageB}=64M`, '--role', 'mirror', '--listen', 'ipc://scrub');
    await succeed(a, 'volume', 'create', 'work', `${imageA}=64M`);
    await succeed(a, 'link', 'work', 'ipc://scrub');
    // Without a server nothing would carry a pass on.
    expect(codeOf(await runCommand(a, '--json', 'scrub', 'start', 'work'))).toBe('server-not-running');
    await using primary = await ServerProcess.start(a);
    await using _mirror = await ServerProcess.start(b);

    const local = join(folder, 'documents');
    mkdirSync(local);
    const contents = ['one', 'two', 'three'].map((name) => {
      const bytes = randomBytes(200_000);
      writeFileSync(join(local, name), bytes);
      return bytes;
    });
    const block = (file: number, index: number): Buffer => contents[file]!.subarray(index * blockBytes, (index + 1) * blockBytes);
    await succeed(a, 'put', local, 'work:/documents');
    await primary.client.snapshots.create({ volume: 'work', snapshot: 'monday' });
    await eventually(
      async () => (await primary.client.relationships.list({})).relationships[0]!,
      (status) => status.identical,
    );

    spoil(imageA, block(0, 3));
    spoil(imageA, block(1, 20));
    const onPrimary = JSON.parse(await succeed(a, '--json', 'scrub', 'start', 'work', '--limit', '1G', '--wait')) as ScrubStatus;
    expect(onPrimary).toMatchObject({ state: 'idle', last: { healedBlocks: 2, lostBlocks: 0, files: [] } });
    expect(await succeed(a, 'compare', local, 'work:/documents')).toContain('no difference.');
    expect(readFileSync(imageA).includes(block(0, 3))).toBe(true);

    spoil(imageB, block(2, 11));
    expect(await succeed(b, 'scrub', 'start', 'copy', '--wait')).toContain('1 rewritten from the other side');
    expect(await succeed(b, 'compare', local, 'copy:/documents')).toContain('no difference.');
    expect(await succeed(b, 'volume', 'check', 'copy')).toContain('The volume is whole');

    // Bad on both sides: nothing is healed, and the file and the states that have it are named.
    spoil(imageA, block(1, 30));
    spoil(imageB, block(1, 30));
    const lost = await runCommand(a, 'scrub', 'start', 'work', '--wait');
    expect(lost.exitCode).toBe(3);
    expect(lost.stdout).toContain('lost in part: /documents/two (@monday, live)');
    expect(await succeed(a, 'alerts')).toContain('/documents/two');

    // Written anew, and the snapshot gone, nothing is lost any more, and the alert ends by itself.
    await succeed(a, 'rm', 'work:/documents/two');
    await primary.client.snapshots.create({ volume: 'work', snapshot: 'tuesday' });
    await eventually(
      async () => (await primary.client.relationships.list({})).relationships[0]!,
      (status) => status.identical,
    );
    await primary.client.snapshots.delete({ volume: 'work', snapshot: 'monday' });
    // What only the mirror's base keeps goes with the CPs that follow.
    await eventually(
      async () => {
        await primary.client.cp.now({ volume: 'work' });
        return (await primary.client.relationships.list({})).relationships[0]!;
      },
      (status) => status.identical,
    );
    for (let more = 0; more < 3; more++) await primary.client.cp.now({ volume: 'work' });
    expect((await runCommand(a, 'scrub', 'start', 'work', '--wait')).exitCode).toBe(0);
    expect(await succeed(a, 'alerts')).not.toContain('/documents/two');

    // A pace that never ends, no pass to pause, and a schedule that never is.
    expect(codeOf(await runCommand(a, '--json', 'scrub', 'start', 'work', '--limit', '0'))).toBe('argument-invalid');
    expect(codeOf(await runCommand(a, '--json', 'scrub', 'pause', 'work'))).toBe('not-found');
    expect(codeOf(await runCommand(a, '--json', 'scrub', 'schedule', 'work', '--every', '0d'))).toBe('argument-invalid');
    expect(await succeed(a, 'scrub', 'schedule', 'work', '--every', '7d', '--limit', '20M')).toContain('every 7 days');
  });
});
