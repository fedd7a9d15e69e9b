import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HoldStatus, RelationshipStatus, SpaceReport } from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

const address = 'ipc://office';
const MiB = 1 << 20;

async function linkOf(server: ServerProcess): Promise<RelationshipStatus> {
  return (await server.client.relationships.list({})).relationships[0]!;
}

async function spaceOf(place: Place, volume: string): Promise<SpaceReport> {
  return JSON.parse(await succeed(place, 'space', volume, '--json')) as SpaceReport;
}

describe('a mirror that stays away', () => {
  it('is shown with what it holds, loses its base at the cap for good, and is compared when it comes again', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    const file = join(folder, 'file');
    const refill = async (): Promise<void> => {
      writeFileSync(file, randomBytes(3 * MiB));
      await succeed(a, 'put', file, 'work:/file');
    };
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', address);
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    await succeed(a, 'link', 'work', address);
    {
      await using primary = await ServerProcess.start(a);
      await refill();
      await primary.client.snapshots.create({ volume: 'work', snapshot: 'first' });
      await refill();
      {
        await using _mirror = await ServerProcess.start(b);
        await eventually(() => linkOf(primary), ({ identical }) => identical);
        const copy = await spaceOf(b, 'copy');
        expect(copy.snapshots.map(({ names }) => names)).toEqual([['first']]);
      }
      await refill();
      const { cp } = await primary.client.cp.now({ volume: 'work' });

      const space = await spaceOf(a, 'work');
      expect(space.cp).toBeGreaterThanOrEqual(cp);
      expect(space.liveBytes + space.keptBytes + space.freeBytes).toBe(space.sizeBytes);
      expect(space.snapshots[0]!.uniqueBytes).toBeGreaterThanOrEqual(3 * MiB);
      expect(space.holders).toMatchObject([{ kind: 'mirror', address }]);
      const held = space.holders[0]!.bytes;
      expect(held).toBeGreaterThanOrEqual(3 * MiB);
      expect(await succeed(a, 'space', 'work')).toMatch(/Held by mirror .*: 3\.\d MiB of at most \d/);
      expect(await succeed(a, 'status')).toMatch(/held by the mirror: 3\.\d MiB of at most/);

      for (const cap of ['0', '0%', '-5%', '101%', '65G']) {
        expect(codeOf(await runCommand(a, '--json', 'hold', 'cap', 'work', address, '--', cap)), cap).toBe('argument-invalid');
      }
      expect((await linkOf(primary)).hold?.baseDropped).toBe(undefined);
      await succeed(a, 'hold', 'cap', 'work', address, '10%');
      expect(await eventually(() => primary.client.server.status({}), ({ alerts }) => alerts.some(({ kind }) => kind === 'held-space'))).toBeDefined();
      await succeed(a, 'hold', 'cap', 'work', address, '3M');
      await eventually(() => linkOf(primary), ({ state }) => state === 'base-dropped');
      const { alerts } = await primary.client.server.status({});
      expect(alerts.map(({ kind }) => kind)).toContain('base-dropped');
      expect(alerts.map(({ kind }) => kind)).not.toContain('held-space');
    }
    await using primary = await ServerProcess.start(a);
    expect(await linkOf(primary)).toMatchObject({ state: 'base-dropped', hold: { baseDropped: { why: 'cap' } } });
    await primary.client.cp.now({ volume: 'work' });
    await primary.client.cp.now({ volume: 'work' });
    expect((await spaceOf(a, 'work')).holders).toMatchObject([{ bytes: 0 }]);

    await using _mirror = await ServerProcess.start(b);
    await eventually(() => linkOf(primary), ({ identical }) => identical);
    await primary.client.cp.now({ volume: 'work' });
    await eventually(() => linkOf(primary), ({ identical, hold }) => identical && hold?.baseDropped === undefined);
    await succeed(b, 'compare', file, 'copy:/file', '--content-only');
    const after = await primary.client.server.status({});
    expect(after.alerts.map(({ kind }) => kind)).not.toContain('base-dropped');
  });

  it('loses its hold when an administrator releases it, and when its link is ended', async () => {
    const folder = testFolder();
    const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
    const file = join(folder, 'file');
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', address);
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'work.img')}=64M`);
    writeFileSync(file, randomBytes(2 * MiB));
    await succeed(a, 'put', file, 'work:/file');
    await succeed(a, 'link', 'work', address);
    await using primary = await ServerProcess.start(a);
    {
      await using _mirror = await ServerProcess.start(b);
      await eventually(() => linkOf(primary), ({ identical }) => identical);
    }
    writeFileSync(file, randomBytes(2 * MiB));
    await succeed(a, 'put', file, 'work:/file');
    await primary.client.cp.now({ volume: 'work' });
    const [held] = JSON.parse(await succeed(a, 'hold', 'show', 'work', '--json')) as HoldStatus[];
    expect(held!.heldBytes).toBeGreaterThanOrEqual(2 * MiB);

    // Nobody is at the terminal to say yes.
    expect(codeOf(await runCommand(a, '--json', 'hold', 'release', 'work', address))).toBe('cancelled');
    expect((await linkOf(primary)).hold?.baseDropped).toBe(undefined);
    await succeed(a, 'hold', 'release', 'work', address, '--yes');
    await eventually(() => linkOf(primary), ({ hold }) => hold?.heldBytes === 0 && hold.baseDropped?.why === 'request');
    expect(codeOf(await runCommand(a, '--json', 'hold', 'release', 'work', 'ipc://elsewhere', '--yes'))).toBe('not-found');

    await succeed(a, 'unlink', 'work', address);
    for (let round = 0; round < 2; round++) await primary.client.cp.now({ volume: 'work' });
    expect(await spaceOf(a, 'work')).toMatchObject({ holders: [], keptBytes: 0 });
    expect((await primary.client.server.status({})).alerts).toEqual([]);
  });
});
