import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NearbyServer } from '../../src-main/contract/index.ts';
import { type Place, ServerProcess } from '../shells/server-process.ts';
import { invite, peersOf } from './pairing-commands.ts';
import { placeOn, port } from './pairing-servers.ts';
import { eventually, succeed, testFolder } from './scenario-place.ts';
import { twoNetworks } from './two-hosts.ts';

const hosts = twoNetworks();
if (typeof hosts === 'string') console.warn(`servers that hear of each other are not tested: ${hosts}`);

async function nearby(place: Place): Promise<NearbyServer[]> {
  return (JSON.parse(await succeed(place, '--json', 'peers', 'list', '--nearby')) as { servers: NearbyServer[] }).servers;
}

describe.skipIf(typeof hosts === 'string')('two machines in one network', () => {
  it('hear of an invitation while it is open, pair although its address is wrong, and hear of none that was left behind', async () => {
    if (typeof hosts === 'string') return;
    const folder = testFolder();
    const [a, b] = [placeOn(hosts[0], folder, 'a'), placeOn(hosts[1], folder, 'b')];
    await succeed(b, 'settings', 'set', '--name', 'attic');
    await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', `tls://0.0.0.0:${port}`);
    const mirror = await ServerProcess.start(b);
    const { identity } = await peersOf(b);
    expect(await nearby(a)).toEqual([]);

    const invitation = await invite(b, '--yes', '--address', 'tls://10.213.77.99:7400');
    const heard = { name: 'attic', identity, addresses: expect.arrayContaining([`tls://${hosts[1].address}:${port}`]) };
    expect(await eventually(() => nearby(a), ({ length }) => length > 0)).toEqual([heard]);
    // With a server or without one, whoever asks hears the same; the one who invites does not hear itself.
    await using primary = await ServerProcess.start(a);
    expect((await eventually(() => primary.client.pairing.nearby({}), ({ servers }) => servers.length > 0)).servers).toEqual([heard]);
    expect((await mirror.client.pairing.nearby({})).servers).toEqual([]);

    await succeed(a, 'pair', invitation.text, '--yes');
    expect((await invitation.ended).code).toBe(0);
    expect((await peersOf(a)).peers).toMatchObject([{ name: 'attic', identity, roles: ['mirror'] }]);
    await eventually(() => nearby(a), ({ length }) => length === 0);

    // A server that is killed while it invites takes what announces it along.
    const other = await invite(b, '--yes');
    await eventually(() => nearby(a), ({ length }) => length > 0);
    await mirror.kill();
    await other.ended;
    await eventually(() => nearby(a), ({ length }) => length === 0);
  });
});
