import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RelationshipStatus, SwitchOverEvent } from '../../src-main/contract/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { fill } from './random-files.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

async function links(place: Place): Promise<RelationshipStatus[]> {
  const status = JSON.parse(await succeed(place, '--json', 'status')) as { relationships: RelationshipStatus[] };
  return status.relationships;
}

const roleOf = async (server: ServerProcess, name: string): Promise<string> => (await server.client.volumes.inspect({ volume: name })).role;

/** Waits until the mirror is proven to have everything of the primary. */
async function untilIdentical(primary: ServerProcess): Promise<void> {
  await eventually(
    async () => (await primary.client.relationships.list({})).relationships,
    ([link]) => link?.role === 'primary' && link.identical && link.state === 'live',
  );
}

interface Pair {
  readonly folder: string;
  readonly a: Place;
  readonly b: Place;
}

/** A primary volume `work` in a, and its mirror `copy` in b, which listens. */
async function pair(): Promise<Pair> {
  const folder = testFolder();
  const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
  await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
  await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`, '--interval', '1s');
  await succeed(a, 'link', 'work', 'ipc://office');
  return { folder, a, b };
}

describe('a switch-over', () => {
  it('swaps the roles without losing anything, mirroring goes on the other way, and back again', async () => {
    const { folder, a, b } = await pair();
    await using serverA = await ServerProcess.start(a);
    await using serverB = await ServerProcess.start(b);
    const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name)) as [string, string, string];
    fill(one, 20);
    fill(two, 20);
    fill(three, 20);
    await succeed(a, 'put', one, 'work:/one');
    await untilIdentical(serverA);

    const events = (await succeed(a, '--json', 'switchover', 'work')).trim().split('\n').map((line) => JSON.parse(line) as SwitchOverEvent);
    expect(events.map((event) => (event.type === 'step' ? event.step : event.type))).toEqual(['stopping-changes', 'last-cp', 'handing-over', 'done']);
    expect([await roleOf(serverA, 'work'), await roleOf(serverB, 'copy')]).toEqual(['mirror', 'primary']);
    expect(codeOf(await runCommand(a, '--json', 'mkdir', 'work:/no'))).toBe('volume-read-only');
    await succeed(b, 'compare', one, 'copy:/one');
    await succeed(b, 'put', two, 'copy:/two');
    await succeed(b, 'cp', 'now', 'copy');
    await untilIdentical(serverB);
    await succeed(a, 'compare', one, 'work:/one');
    await succeed(a, 'compare', two, 'work:/two');
    expect((await runCommand(a, 'volume', 'check', 'work')).exitCode).toBe(0);

    await succeed(b, 'switchover', 'copy');
    expect([await roleOf(serverA, 'work'), await roleOf(serverB, 'copy')]).toEqual(['primary', 'mirror']);
    await succeed(a, 'put', three, 'work:/three');
    await succeed(a, 'cp', 'now', 'work');
    await untilIdentical(serverA);
    for (const [place, volume] of [[a, 'work'], [b, 'copy']] as const) {
      for (const [source, name] of [[one, 'one'], [two, 'two'], [three, 'three']] as const) await succeed(place, 'compare', source, `${volume}:/${name}`);
      expect((await runCommand(place, 'volume', 'check', volume)).exitCode).toBe(0);
    }
    expect((await links(a)).map(({ role, state }) => [role, state])).toEqual([['primary', 'live']]);
  });

  it('without a mirror that is live is refused, and nothing has changed', async () => {
    const { a } = await pair();
    await using serverA = await ServerProcess.start(a);
    expect(codeOf(await runCommand(a, '--json', 'switchover', 'work'))).toBe('peer-not-ready');
    expect(await roleOf(serverA, 'work')).toBe('primary');
    await succeed(a, 'mkdir', 'work:/still-here');
    expect(codeOf(await runCommand(a, '--json', 'switchover', 'work', '--abort'))).toBe('not-found');
  });
});

describe('promoting', () => {
  it('a mirror whose primary was killed: what only that had is set aside there when it comes back, and both go on by differences', async () => {
    const { folder, a, b } = await pair();
    const serverA = await ServerProcess.start(a);
    await using serverB = await ServerProcess.start(b);
    const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name)) as [string, string, string];
    fill(one, 40);
    fill(two, 5);
    fill(three, 5);
    await succeed(a, 'put', one, 'work:/one');
    await succeed(a, 'cp', 'now', 'work');
    await untilIdentical(serverA);
    expect(codeOf(await runCommand(b, '--json', 'promote', 'copy', '--yes'))).toBe('peer-connected');
    await succeed(a, 'pause', 'work', 'ipc://office');
    await succeed(a, 'put', two, 'work:/only-a');
    await serverA.kill();

    const unasked = await runCommand(b, '--json', 'promote', 'copy');
    expect(codeOf(unasked)).toBe('cancelled');
    const said = await runCommand(b, 'promote', 'copy', '--yes');
    expect(said.exitCode).toBe(0);
    expect(said.stderr).toMatch(/CP \d+ of .* old/);
    expect(codeOf(await runCommand(b, '--json', 'promote', 'copy', '--yes'))).toBe('volume-is-primary');
    await succeed(b, 'compare', one, 'copy:/one');
    await succeed(b, 'put', three, 'copy:/three');
    await succeed(b, 'cp', 'now', 'copy');

    // The old primary is back, as it was, and takes changes until it sees the new one.
    await using again = await ServerProcess.start(a);
    await succeed(a, 'mkdir', 'work:/also-only-a');
    await succeed(a, 'resume', 'work', 'ipc://office');
    await eventually(() => roleOf(again, 'work'), (role) => role === 'mirror');
    await untilIdentical(serverB);
    await succeed(a, 'compare', one, 'work:/one');
    await succeed(a, 'compare', three, 'work:/three');
    expect(codeOf(await runCommand(a, '--json', 'ls', 'work:/only-a'))).toBe('not-found');
    await succeed(a, 'compare', two, 'work@before-epoch-2:/only-a');
    expect(await succeed(a, 'ls', 'work@before-epoch-2:/')).toContain('also-only-a');
    expect((await runCommand(a, 'volume', 'check', 'work')).exitCode).toBe(0);
    const [link] = (await serverB.client.relationships.list({})).relationships;
    expect(link!.bytesSent).toBeLessThan(400_000);
  });

  it('an empty mirror is refused', async () => {
    const { b } = await pair();
    expect(codeOf(await runCommand(b, '--json', 'promote', 'copy', '--yes'))).toBe('not-a-volume');
    await using serverB = await ServerProcess.start(b);
    expect(codeOf(await runCommand(b, '--json', 'promote', 'copy', '--yes'))).toBe('not-a-volume');
    expect(await roleOf(serverB, 'copy')).toBe('mirror');
  });
});

describe('a clone', () => {
  it('of the mirror takes changes while mirroring goes on, and is gone when it ends, or its server', async () => {
    const { folder, a, b } = await pair();
    await using serverA = await ServerProcess.start(a);
    const serverB = await ServerProcess.start(b);
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    fill(one, 10);
    fill(two, 10);
    await succeed(a, 'put', one, 'work:/one');
    await succeed(a, 'snapshot', 'create', 'work@monday');
    await succeed(a, 'rm', '-r', 'work:/one');
    await succeed(a, 'mkdir', 'work:/tuesday');
    await succeed(a, 'cp', 'now', 'work');
    await untilIdentical(serverA);

    await succeed(b, 'clone', 'start', 'copy', 'trial');
    await succeed(b, 'clone', 'start', 'copy@monday', 'earlier', '--scratch', join(folder, 'scratch'));
    await succeed(b, 'put', two, 'trial:/two');
    await succeed(b, 'rm', '-r', 'earlier:/one/3.bin');
    await succeed(a, 'put', one, 'work:/again');
    await succeed(a, 'cp', 'now', 'work');
    await untilIdentical(serverA);
    await succeed(b, 'compare', two, 'trial:/two');
    expect((await succeed(b, 'ls', 'trial:/')).split('\n')).toEqual(expect.arrayContaining([expect.stringContaining('tuesday/'), expect.stringContaining('two/')]));
    expect(await succeed(b, 'ls', 'earlier:/one')).not.toContain('3.bin');
    expect((await runCommand(b, 'volume', 'check', 'trial')).exitCode).toBe(0);
    await succeed(b, 'compare', one, 'copy:/again');
    expect(await succeed(b, 'ls', 'copy:/')).not.toContain('two');

    for (const [code, words] of [
      ['volume-exists', ['clone', 'start', 'copy', 'trial']],
      ['snapshot-not-found', ['clone', 'start', 'copy@never', 'other']],
      ['unsupported', ['link', 'trial', 'ipc://office']],
      ['unsupported', ['volume', 'detach', 'trial']],
      ['not-found', ['clone', 'end', 'copy']],
    ] as const) {
      expect([words, codeOf(await runCommand(b, '--json', ...words))]).toEqual([words, code]);
    }
    await succeed(b, 'clone', 'end', 'earlier');
    expect(codeOf(await runCommand(b, '--json', 'ls', 'earlier:/'))).toBe('volume-not-found');
    await serverB.kill();
    await using again = await ServerProcess.start(b);
    expect((await again.client.volumes.list({})).volumes.map(({ name }) => name)).toEqual(['copy']);
    expect(readdirSync(join(b.configFolder, 'clones'))).toEqual([]);
    await untilIdentical(serverA);
    expect((await runCommand(b, 'volume', 'check', 'copy')).exitCode).toBe(0);
  });
});
