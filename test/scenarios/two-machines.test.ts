import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PairingEvent, RelationshipStatus } from '../../src-main/contract/index.ts';
import { runCommand, ServerProcess } from '../shells/server-process.ts';
import { invite, peersOf } from './pairing-commands.ts';
import { placeOn, port } from './pairing-servers.ts';
import { codeOf, eventually, succeed, testFolder } from './scenario-place.ts';
import { twoHosts } from './two-hosts.ts';

async function relationship(server: ServerProcess): Promise<RelationshipStatus> {
  const { relationships } = await server.client.relationships.list({});
  return relationships[0]!;
}

describe('two machines', () => {
  it('are paired by an invitation, one mirrors the other, strangers are refused and a revoked peer is cut', async () => {
    const folder = testFolder();
    const hosts = twoHosts();
    const [a, b] = [placeOn(hosts.primary, folder, 'a'), placeOn(hosts.mirror, folder, 'b')];
    const address = `tls://${hosts.mirror.address}:${port}`;
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', address);
    await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`, '--interval', '1s');
    await using primary = await ServerProcess.start(a);
    await using mirror = await ServerProcess.start(b);

    // Nobody was paired: there is nobody to name, and an address alone is not enough.
    expect(codeOf(await runCommand(a, '--json', 'link', 'work', address, '--peer', 'office'))).toBe('peer-unknown');
    const unnamed = await runCommand(a, '--json', 'link', 'work', address);
    expect([unnamed.exitCode, codeOf(unnamed)]).toEqual([2, 'argument-invalid']);

    // Without a terminal and without --yes the answer is no, on either side, and it uses the invitation up.
    const refused = await invite(b, '--yes');
    expect(codeOf(await runCommand(a, '--json', 'pair', refused.text))).toBe('pairing-refused');
    expect((await refused.ended).code).toBe(1);
    expect(codeOf(await runCommand(a, '--json', 'pair', refused.text, '--yes'))).toBe('invitation-used');
    expect(codeOf(await runCommand(a, '--json', 'pair', `${refused.text.slice(0, -1)}!`, '--yes'))).toBe('invitation-invalid');
    const unwanted = await invite(b);
    expect(codeOf(await runCommand(a, '--json', 'pair', unwanted.text, '--yes'))).toBe('pairing-refused');
    await unwanted.ended;
    expect([(await peersOf(a)).peers, (await peersOf(b)).peers]).toEqual([[], []]);

    // Both sides agree: each shows the other's name, identity and the direction.
    const invitation = await invite(b, '--yes');
    const events = (await succeed(a, '--json', 'pair', invitation.text, '--yes')).trim().split('\n').map((line) => JSON.parse(line) as PairingEvent);
    const { identity: identityOfA } = await peersOf(a);
    const { identity: identityOfB } = await peersOf(b);
    expect(events).toMatchObject([{ type: 'question', identity: identityOfB, role: 'mirror' }, { type: 'paired' }]);
    expect((await invitation.ended).events).toMatchObject([{ type: 'invitation' }, { type: 'question', identity: identityOfA, role: 'primary' }, { type: 'paired' }]);
    await succeed(a, 'peers', 'rename', identityOfB, '../office');
    expect((await peersOf(a)).peers).toMatchObject([{ name: '../office', identity: identityOfB, roles: ['mirror'] }]);

    // The mirror follows.
    const source = join(folder, 'source');
    mkdirSync(source);
    for (let index = 0; index < 20; index++) writeFileSync(join(source, `${index}.bin`), randomBytes(5000 * index));
    await succeed(a, 'link', 'work', address, '--peer', '../office');
    await succeed(a, 'put', source, 'work:/tree');
    await succeed(a, 'cp', 'now', 'work');
    await eventually(() => relationship(primary), (status) => status.identical && status.state === 'live');
    await succeed(b, 'compare', source, 'copy:/tree');

    // The primary's admin looks at the mirror's volume, its snapshots and files, through the mirror's server.
    await succeed(a, 'snapshot', 'create', 'work@monday');
    await eventually(() => relationship(primary), (status) => status.identical);
    const office = ['--peer', '../office'] as const;
    expect(await succeed(a, 'snapshot', 'list', 'copy', ...office)).toContain('monday');
    expect((await succeed(a, 'ls', 'copy@monday:/tree', ...office)).trim().split('\n')).toHaveLength(20);
    expect(await succeed(a, 'cat', 'copy@last:/tree/3.bin', ...office)).toBe(await succeed(b, 'cat', 'copy@last:/tree/3.bin'));
    expect(await succeed(a, 'status', ...office)).toMatch(/copy +mirror +open[^]*Up to date: proven identical at CP/);
    const taken = join(folder, 'taken');
    await succeed(a, 'get', 'copy@monday:/tree', taken, ...office);
    await succeed(a, 'compare', taken, 'work:/tree');
    expect(codeOf(await runCommand(a, '--json', 'ls', 'work:/', ...office))).toBe('volume-not-found');
    // Nobody told the mirror's server where the primary listens for questions, and it does not listen.
    expect(codeOf(await runCommand(b, '--json', 'status', '--peer', identityOfA))).toBe('argument-invalid');

    // A server that was never paired is refused, although it knows address and identity.
    const c = placeOn(hosts.primary, folder, 'c');
    await succeed(c, 'volume', 'create', 'work', `${join(folder, 'c.img')}=64M`);
    writeFileSync(join(c.configFolder, 'peers.json'), readFileSync(join(a.configFolder, 'peers.json')));
    await succeed(c, 'link', 'work', address, '--peer', '../office');
    await using stranger = await ServerProcess.start(c);
    expect(await eventually(() => relationship(stranger), (status) => status.code !== undefined)).toMatchObject({ code: 'peer-unknown', state: 'error' });

    expect(codeOf(await runCommand(c, '--json', 'ls', 'copy:/', ...office))).toBe('peer-unknown');

    // Revoking on the mirror cuts the live link, and the way back is refused.
    await succeed(b, 'peers', 'revoke', identityOfA);
    expect(await eventually(() => relationship(primary), (status) => status.state === 'error')).toMatchObject({ code: 'peer-unknown' });
    expect(codeOf(await runCommand(a, '--json', 'ls', 'copy:/', ...office))).toBe('peer-unknown');
    // Revoking on the primary: it does not even try any more.
    await succeed(a, 'peers', 'revoke', '../office');
    expect(codeOf(await runCommand(a, '--json', 'ls', 'copy:/', ...office))).toBe('peer-revoked');
    await succeed(a, 'pause', 'work', address);
    await succeed(a, 'resume', 'work', address);
    expect(await eventually(() => relationship(primary), (status) => status.code === 'peer-revoked')).toMatchObject({ state: 'error' });
    expect(codeOf(await runCommand(a, '--json', 'link', 'work', 'tls://192.0.2.1:1', '--peer', '../office'))).toBe('peer-revoked');
    await succeed(b, 'compare', source, 'copy:/tree');

    // The keys stayed where they belong.
    for (const place of [a, b]) {
      const file = join(place.configFolder, 'identity.pem');
      expect([statSync(file).mode & 0o777, statSync(place.configFolder).mode & 0o777]).toEqual([0o600, 0o700]);
      const key = readFileSync(file, 'utf8').split('\n')[1]!;
      for (const told of [primary.stderr, mirror.stderr, JSON.stringify(await primary.client.server.status({})), JSON.stringify(await mirror.client.server.status({}))]) {
        expect(told).not.toContain(key);
      }
    }
  });

  it('find each other in the local network when the address in the invitation leads nowhere', async () => {
    const folder = testFolder();
    const hosts = twoHosts();
    if (hosts.mirror.startedBy.length === 0) {
      console.log('without a network of its own, finding servers in it is not tested');
      return;
    }
    const [a, b] = [placeOn(hosts.primary, folder, 'a'), placeOn(hosts.mirror, folder, 'b')];
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', `tls://0.0.0.0:${port}`);
    await using mirror = await ServerProcess.start(b);
    expect(mirror.ready.listen).toEqual([`tls://0.0.0.0:${port}`]);
    const invitation = await invite(b, '--yes', '--address', `tls://10.213.77.99:${port}`);
    await succeed(a, 'pair', invitation.text, '--yes');
    expect((await invitation.ended).code).toBe(0);
    expect((await peersOf(a)).peers).toMatchObject([{ identity: (await peersOf(b)).identity, roles: ['mirror'] }]);
  });
});
