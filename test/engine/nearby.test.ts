import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MirrorpointClient, PairingEvent } from '../../src-main/contract/index.ts';
import { clientOf, Engine } from '../../src-main/engine/index.ts';
import { machinePorts } from '../../src-main/shells/index.ts';
import { MemoryNetwork } from './memory-network.ts';

interface TestServer {
  readonly engine: Engine;
  readonly client: MirrorpointClient;
  /** Where it listens for other machines. */
  readonly port: number;
}

/** A server in this process that pairs over real TLS, on a local network in memory. */
async function serve(network: MemoryNetwork, name: string, listen: string): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const ports = machinePorts({ configFolder: folder, requestStop: () => undefined, report: () => undefined });
  const engine = await Engine.open({ ...ports, defaultServerName: name, discovery: network.join('127.0.0.1') }, { serve: true });
  const session = engine.newSession();
  onTestFinished(async () => {
    await session.close();
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const client = clientOf(engine, session);
  const devices = [{ path: join(folder, 'copy.img'), sizeBytes: 64 << 20 }];
  const { listen: listening } = await client.volumes.create({ name: 'copy', role: 'mirror', devices, listen: [listen] });
  return { engine, client, port: Number(/[0-9]+$/.exec(listening[0]!)?.[0]) };
}

/** Opens an invitation that names no address at which anybody is, and says yes to whoever comes. */
async function invite({ client }: TestServer): Promise<{ text: string; stream: AsyncIterator<PairingEvent>; outcome: () => Promise<PairingEvent> }> {
  const stream = (await client.pairing.invite({ addresses: ['tls://127.0.0.1:1'] }))[Symbol.asyncIterator]();
  const first = await stream.next();
  if (first.done === true || first.value.type !== 'invitation') throw new Error('it did not begin with an invitation');
  return { text: first.value.text, stream, outcome: () => agreed(client, stream) };
}

async function agreed(client: MirrorpointClient, stream: AsyncIterator<PairingEvent>): Promise<PairingEvent> {
  for (;;) {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('it ended without an outcome');
    if (value.type === 'question') await client.pairing.answer({ questionId: value.questionId, isAccepted: true });
    if (value.type === 'paired') return value;
  }
}

async function accept({ client }: TestServer, invitation: string): Promise<PairingEvent> {
  return agreed(client, (await client.pairing.accept({ invitation }))[Symbol.asyncIterator]());
}

const everywhere = 'tls://0.0.0.0:0';

describe('an invitation', () => {
  it('is announced with the name of its server as long as somebody waits for it, and heard of by others alone', async () => {
    const network = new MemoryNetwork();
    const [office, attic] = [await serve(network, 'office', everywhere), await serve(network, 'attic', everywhere)];
    expect((await office.client.pairing.nearby({})).servers).toEqual([]);
    const { stream } = await invite(attic);
    const announced = { name: 'attic', identity: attic.engine.trust.identity, addresses: [`tls://127.0.0.1:${attic.port}`] };
    expect((await office.client.pairing.nearby({})).servers).toEqual([announced]);
    expect((await attic.client.pairing.nearby({})).servers).toEqual([]);
    await stream.return?.();
    expect(network.announced).toEqual([]);
  });

  it('that ends with its server is not announced any more', async () => {
    const network = new MemoryNetwork();
    const attic = await serve(network, 'attic', everywhere);
    const { outcome } = await invite(attic);
    const ended = outcome();
    const refused = expect(ended).rejects.toMatchObject({ code: expect.any(String) });
    await attic.engine.close();
    await refused;
    expect(network.announced).toEqual([]);
  });

  it('of a server that only its own machine reaches is not announced', async () => {
    const network = new MemoryNetwork();
    const attic = await serve(network, 'attic', 'tls://127.0.0.1:0');
    const { stream } = await invite(attic);
    expect(network.announced).toEqual([]);
    await stream.return?.();
  });

  it('whose addresses lead nowhere leads to its server where the network hears of that, and to no other', async () => {
    const network = new MemoryNetwork();
    const [office, attic, other] = [await serve(network, 'office', everywhere), await serve(network, 'attic', everywhere), await serve(network, 'attic', everywhere)];
    const elsewhere = network.join('127.0.0.1').announce({ name: 'attic', identity: attic.engine.trust.identity, port: other.port });
    onTestFinished(elsewhere);
    const invitation = await invite(attic);
    const outcome = invitation.outcome();
    expect(await accept(office, invitation.text)).toMatchObject({ type: 'paired', peer: { name: 'attic', identity: attic.engine.trust.identity, roles: ['mirror'] } });
    expect(await outcome).toMatchObject({ peer: { identity: office.engine.trust.identity, roles: ['primary'] } });
    expect(other.engine.trust.peers.all).toEqual([]);
  });

  it('whose addresses lead nowhere is no good where nobody hears of its server', async () => {
    const network = new MemoryNetwork();
    const office = await serve(network, 'office', everywhere);
    const attic = await serve(new MemoryNetwork(), 'attic', everywhere);
    const { text, stream } = await invite(attic);
    await expect(accept(office, text)).rejects.toMatchObject({ code: 'link-refused' });
    await stream.return?.();
  });
});
