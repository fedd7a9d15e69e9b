import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RelationshipStatus } from '../../src-main/contract/index.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { peersOf } from './pairing-commands.ts';
import { pairServers, placeOn, port } from './pairing-servers.ts';
import { fill } from './random-files.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

async function linkOf(server: ServerProcess): Promise<RelationshipStatus> {
  return (await server.client.relationships.list({})).relationships[0]!;
}

describe('a lost machine', () => {
  it('that comes back with the image of the old primary and new settings gets differences only, and keeps what only it had', async () => {
    const folder = testFolder();
    const [a, b, fresh] = [placeIn(folder, 'a'), placeIn(folder, 'b'), placeIn(folder, 'fresh')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', 'ipc://office');
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`);
    await succeed(a, 'link', 'work', 'ipc://office');
    const one = fill(join(folder, 'one'), 60, 9973);
    const serverA = await ServerProcess.start(a);
    await using serverB = await ServerProcess.start(b);
    await succeed(a, 'put', one, 'work:/one');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(() => linkOf(serverA), ({ identical }) => identical);
    await succeed(a, 'pause', 'work');
    await succeed(a, 'mkdir', 'work:/only-here');
    await serverA.kill();
    await succeed(b, 'promote', 'copy', '--yes');
    await succeed(b, 'mkdir', 'copy:/meanwhile');

    // A new configuration folder: nothing is known there but the image.
    await succeed(fresh, 'volume', 'attach', 'again', join(folder, 'a.img'), '--role', 'mirror', '--listen', 'ipc://new');
    await using _serverC = await ServerProcess.start(fresh);
    await succeed(b, 'link', 'copy', 'ipc://new');
    const link = await eventually(
      async () => (await serverB.client.relationships.list({})).relationships.find(({ address }) => address === 'ipc://new')!,
      ({ identical, state }) => identical && state === 'live',
    );
    expect(link.bytesSent).toBeLessThan(1 << 20);
    await succeed(fresh, 'compare', one, 'again:/one');
    expect(await succeed(fresh, 'ls', 'again:/')).toContain('meanwhile/');
    expect(await succeed(fresh, 'ls', 'again@before-attach:/')).toContain('only-here/');
    expect((await runCommand(fresh, 'volume', 'check', 'again')).exitCode).toBe(0);
  });
});

describe('a mirror', () => {
  it('follows whom it was made for, and no other paired server', async () => {
    const folder = testFolder();
    const host = { address: '127.0.0.1', startedBy: [] };
    const [a, b, c] = [placeOn(host, folder, 'a'), placeOn(host, folder, 'b'), placeOn(host, folder, 'c')];
    const address = `tls://127.0.0.1:${port + 17}`;
    await succeed(b, 'volume', 'create', 'first', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', address);
    expect(codeOf(await runCommand(b, '--json', 'volume', 'create', 'copy', `${join(folder, 'x.img')}=64M`, '--role', 'mirror', '--from', 'nobody'))).toBe('peer-unknown');
    expect(codeOf(await runCommand(b, '--json', 'volume', 'create', 'copy', `${join(folder, 'x.img')}=64M`, '--from', 'nobody'))).toBe('argument-invalid');
    for (const [place, name] of [[a, 'a'], [c, 'c']] as const) await succeed(place, 'volume', 'create', 'work', `${join(folder, `${name}.img`)}=64M`);
    await using serverA = await ServerProcess.start(a);
    await using serverB = await ServerProcess.start(b);
    await using serverC = await ServerProcess.start(c);
    for (const place of [a, c]) await pairServers(place, b);
    await succeed(b, 'volume', 'detach', 'first');
    const { identity: identityOfA } = await peersOf(a);
    const { identity: identityOfB } = await peersOf(b);
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'copy.img')}=64M`, '--role', 'mirror', '--listen', address, '--from', identityOfA);
    await succeed(c, 'link', 'work', address, '--peer', identityOfB);
    expect(await eventually(() => linkOf(serverC), ({ code }) => code !== undefined)).toMatchObject({ code: 'peer-unknown', state: 'error' });
    await succeed(a, 'link', 'work', address, '--peer', identityOfB);
    await eventually(() => linkOf(serverA), ({ identical }) => identical);
    expect(await linkOf(serverB)).toMatchObject({ role: 'mirror', peerIdentity: identityOfA });
  });

  it('follows the server that was promoted when that is linked to it, and the old primary follows as well', async () => {
    const folder = testFolder();
    const host = { address: '127.0.0.1', startedBy: [] };
    const [a, b, c] = [placeOn(host, folder, 'a'), placeOn(host, folder, 'b'), placeOn(host, folder, 'c')];
    const [atB, atC] = [`tls://127.0.0.1:${port + 18}`, `tls://127.0.0.1:${port + 19}`];
    for (const [place, at, name] of [[b, atB, 'b'], [c, atC, 'c']] as const) {
      await succeed(place, 'volume', 'create', 'copy', `${join(folder, `${name}.img`)}=64M`, '--role', 'mirror', '--listen', at);
    }
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`);
    const serverA = await ServerProcess.start(a);
    await using serverB = await ServerProcess.start(b);
    await using _serverC = await ServerProcess.start(c);
    await pairServers(a, b);
    await pairServers(a, c);
    await pairServers(b, c);
    const one = fill(join(folder, 'one'), 30, 9973);
    await succeed(a, 'link', 'work', atB, '--peer', (await peersOf(b)).identity);
    await succeed(a, 'link', 'work', atC, '--peer', (await peersOf(c)).identity);
    await succeed(a, 'put', one, 'work:/one');
    await succeed(a, 'cp', 'now', 'work');
    const linksOf = async (server: ServerProcess): Promise<RelationshipStatus[]> => (await server.client.relationships.list({})).relationships;
    await eventually(() => linksOf(serverA), (links) => links.length === 2 && links.every(({ identical }) => identical));
    await serverA.kill();

    await succeed(b, 'promote', 'copy', '--yes');
    await succeed(b, 'mkdir', 'copy:/new');
    await succeed(b, 'link', 'copy', atC, '--peer', (await peersOf(c)).identity);
    await eventually(() => linksOf(serverB), (links) => links.some(({ address, identical }) => address === atC && identical));
    expect(await succeed(c, 'ls', 'copy:/')).toContain('new/');
    await using again = await ServerProcess.start(a);
    await eventually(() => linksOf(serverB), (links) => links.length === 2 && links.every(({ identical }) => identical));
    expect((await again.client.volumes.inspect({ volume: 'work' })).role).toBe('mirror');
    for (const [place, volume] of [[a, 'work'], [b, 'copy'], [c, 'copy']] as const) await succeed(place, 'compare', one, `${volume}:/one`);
    expect((await linksOf(serverB)).every(({ bytesSent }) => bytesSent < 400_000)).toBe(true);
  });
});
