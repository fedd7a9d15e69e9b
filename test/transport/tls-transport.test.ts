import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src-main/base/index.ts';
import { makeIdentity, type ServerIdentity } from '../../src-main/pairing/index.ts';
import { handshakesPerHostMax, type Link, type Listener, strangersMax, TlsTransport } from '../../src-main/transport/index.ts';
import { parseAddress } from '../../src-main/transport/index.ts';
import { receiveExactly } from '../suites/transport-contract.ts';

const replication = 'mirrorpoint/1';
const pairing = 'mirrorpoint-pairing/1';
const anyPort = 'tls://127.0.0.1:0';

let [own, peer, stranger]: ServerIdentity[] = [];

beforeAll(async () => {
  [own, peer, stranger] = await Promise.all([makeIdentity(systemRandom), makeIdentity(systemRandom), makeIdentity(systemRandom)]);
});

describe('links over TLS', () => {
  const opened: (() => unknown)[] = [];

  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });

  /** A server that trusts whom it is told to trust. */
  async function listening(trusted: Set<string>): Promise<{ server: TlsTransport; listener: Listener; links: Link[] }> {
    const server = new TlsTransport(own!);
    server.admit((identity) => trusted.has(identity));
    const links: Link[] = [];
    const listener = await server.listen(anyPort, (link) => links.push(link));
    opened.push(() => listener.close(), () => Promise.all(links.map((link) => link.close())));
    return { server, listener, links };
  }

  /** A client that is not this program: whatever options of TLS a test wants. */
  async function rawClient(listener: Listener, options: tls.ConnectionOptions): Promise<{ socket: tls.TLSSocket; word: Promise<string>; session: () => Buffer | undefined; secured: boolean }> {
    const address = parseAddress(listener.address);
    if (address.scheme !== 'tls') throw new Error('no tls address');
    const socket = tls.connect({ host: address.host, port: address.port, rejectUnauthorized: false, ALPNProtocols: [replication], ...options });
    opened.push(() => socket.destroy());
    let session: Buffer | undefined;
    socket.on('session', (made: Buffer) => (session = made));
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString()));
    const closed = new Promise<string>((resolve) => {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        resolve(text);
      });
    });
    const secured = await Promise.race([once(socket, 'secureConnect').then(() => true, () => false), closed.then(() => false)]);
    return { socket, word: closed, session: () => session, secured };
  }

  it('stand between two servers that know each other, and say who is there', async () => {
    const { listener, links } = await listening(new Set([peer!.identity]));
    const client = new TlsTransport(peer!);
    await using link = await client.connect(listener.address, { peer: own!.identity });
    await expect.poll(() => links.length).toBe(1);
    expect([link.peerIdentity, links[0]!.peerIdentity]).toEqual([own!.identity, peer!.identity]);
  });

  it('are refused to a server that was not paired, whatever it knows', async () => {
    const { listener, links } = await listening(new Set([peer!.identity]));
    const unknown = new TlsTransport(stranger!);
    await expect(unknown.connect(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
    expect(links).toEqual([]);
  });

  it('are refused to everybody until somebody is admitted', async () => {
    const server = new TlsTransport(own!);
    const listener = await server.listen(anyPort, () => undefined);
    opened.push(() => listener.close());
    await expect(new TlsTransport(peer!).connect(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
    await expect(new TlsTransport(peer!).connectToPair(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
  });

  it('are not opened to a server with another certificate than the one expected', async () => {
    const { listener, links } = await listening(new Set([peer!.identity]));
    const client = new TlsTransport(peer!);
    const fault: unknown = await client.connect(listener.address, { peer: stranger!.identity }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'peer-unknown' });
    expect((fault as Error).message).toContain(own!.identity);
    for (const link of links) expect(await link.receive().catch(() => undefined)).toBeUndefined();
    await expect(client.connect(listener.address)).rejects.toMatchObject({ code: 'peer-unknown' });
  });

  it('are refused between a server and itself, on both sides', async () => {
    const { listener, links } = await listening(new Set([own!.identity]));
    await expect(new TlsTransport(own!).connect(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'address-invalid' });
    const { word } = await rawClient(listener, { key: own!.keyPem, cert: own!.certificatePem });
    expect(await word).toBe('MPT0');
    expect(links).toEqual([]);
  });

  it('are refused to one who has only the peer\'s certificate, not its key', async () => {
    const { listener, links } = await listening(new Set([peer!.identity]));
    expect(() => tls.createSecureContext({ key: stranger!.keyPem, cert: peer!.certificatePem })).toThrow();
    const { word } = await rawClient(listener, {});
    expect(await word).toBe('MPT0');
    expect(links).toEqual([]);
  });

  it('speak nothing below TLS 1.3, and nothing else than this program\'s protocols', async () => {
    const { listener, links } = await listening(new Set([peer!.identity]));
    const known = { key: peer!.keyPem, cert: peer!.certificatePem };
    expect((await rawClient(listener, { ...known, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).secured).toBe(false);
    expect((await rawClient(listener, { ...known, ALPNProtocols: ['h2'] })).secured).toBe(false);
    const without = await rawClient(listener, { ...known, ALPNProtocols: undefined });
    expect(await without.word).toBe('MPT0');
    expect(links).toEqual([]);
  });

  it('are not resumed: a revoked peer with the session of its last link is refused', async () => {
    const trusted = new Set([peer!.identity]);
    const { listener, links } = await listening(trusted);
    const known = { key: peer!.keyPem, cert: peer!.certificatePem };
    const first = await rawClient(listener, known);
    await expect.poll(() => links.length).toBe(1);
    // A ticket may be sent; what counts is that the server honours none.
    await links[0]!.send([Buffer.from('so that a ticket would have arrived')]);
    await expect.poll(() => first.socket.bytesRead).toBeGreaterThan(0);
    const session = first.session() ?? first.socket.getSession();
    expect(session).toBeDefined();
    const again = await rawClient(listener, { ...known, session });
    expect(again.socket.isSessionReused()).toBe(false);
    await expect.poll(() => links.length).toBe(2);
    trusted.delete(peer!.identity);
    const revoked = await rawClient(listener, { ...known, session });
    expect(revoked.socket.isSessionReused()).toBe(false);
    expect(await revoked.word).toBe('MPT0');
    expect(links.length).toBe(2);
  });

  it('are cut, all of one peer and no other, when the peer is revoked', async () => {
    const { server, listener, links } = await listening(new Set([peer!.identity, stranger!.identity]));
    const revoked = await new TlsTransport(peer!).connect(listener.address, { peer: own!.identity });
    const other = await new TlsTransport(stranger!).connect(listener.address, { peer: own!.identity });
    opened.push(() => revoked.close(), () => other.close());
    await expect.poll(() => links.length).toBe(2);
    server.cut(peer!.identity);
    await expect(revoked.receive()).rejects.toMatchObject({ code: 'link-closed' });
    await links.find((link) => link.peerIdentity === stranger!.identity)!.send([Buffer.from('still here')]);
    expect((await receiveExactly(other, 10)).toString()).toBe('still here');
  });

  it('keep a host with unfinished handshakes to a few, and serve others meanwhile', async () => {
    const { listener } = await listening(new Set([peer!.identity]));
    const { port } = parseAddress(listener.address) as { port: number };
    // All these come from one host and say nothing.
    const silent = Array.from({ length: handshakesPerHostMax + 8 }, () => net.connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' }));
    opened.push(() => silent.forEach((socket) => socket.destroy()));
    let dropped = 0;
    for (const socket of silent) {
      socket.on('error', () => undefined);
      socket.on('close', () => dropped++);
    }
    await expect.poll(() => dropped).toBe(8);
    await using link = await new TlsTransport(peer!).connect(listener.address, { peer: own!.identity });
    expect(link.peerIdentity).toBe(own!.identity);
  });

  it('for questions are given to whom they are open, apart from those for blocks', async () => {
    const { server, listener, links } = await listening(new Set([peer!.identity]));
    const client = new TlsTransport(peer!);
    await expect(client.connectToControl(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
    const trusted = new Set([peer!.identity]);
    const questions: Link[] = [];
    server.receiveControl({ admits: (identity) => trusted.has(identity), onLink: (link) => questions.push(link) });
    await expect(new TlsTransport(stranger!).connectToControl(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
    await expect(client.connectToControl(listener.address, { peer: stranger!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
    const link = await client.connectToControl(listener.address, { peer: own!.identity });
    opened.push(() => link.close(), () => Promise.all(questions.map((one) => one.close())));
    await expect.poll(() => questions.length).toBe(1);
    expect([questions[0]!.peerIdentity, links]).toEqual([peer!.identity, []]);
    server.cut(peer!.identity);
    await expect(link.receive()).rejects.toMatchObject({ code: 'link-closed' });
    trusted.clear();
    await expect(client.connectToControl(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
  });

  it('say so when the other server knows no version of the protocol', async () => {
    const other = tls.createServer({ key: own!.keyPem, cert: own!.certificatePem, ALPNProtocols: ['mirrorpoint/9'], requestCert: true, rejectUnauthorized: false });
    other.on('tlsClientError', () => undefined);
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    opened.push(() => other.close());
    const { port } = other.address() as net.AddressInfo;
    await expect(new TlsTransport(peer!).connect(`tls://127.0.0.1:${port}`, { peer: own!.identity })).rejects.toMatchObject({ code: 'protocol-too-new' });
  });

  it('drop a stranger who sends no TLS', async () => {
    const { listener } = await listening(new Set());
    const { port } = parseAddress(listener.address) as { port: number };
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.end(Buffer.alloc(64 * 1024, 0x41));
    await once(socket, 'close');
  });

  it('are given to few strangers at a time, and to none once nobody takes them', async () => {
    const { server, listener, links } = await listening(new Set());
    const strangers: Link[] = [];
    server.receiveStrangers((link) => strangers.push(link));
    const client = new TlsTransport(stranger!);
    const taken = await Promise.all(Array.from({ length: strangersMax }, () => client.connectToPair(listener.address, { peer: own!.identity })));
    opened.push(() => Promise.all([...taken, ...strangers].map((link) => link.close())));
    await expect(client.connectToPair(listener.address, { peer: own!.identity })).rejects.toMatchObject({ code: 'peer-unknown' });
    await taken[0]!.close();
    await expect.poll(async () => (await client.connectToPair(listener.address, { peer: own!.identity }).catch(() => undefined)) !== undefined).toBe(true);
    server.receiveStrangers(undefined);
    await taken[1]!.close();
    const { word } = await rawClient(listener, { key: stranger!.keyPem, cert: stranger!.certificatePem, ALPNProtocols: [pairing] });
    expect(await word).toBe('MPT0');
    // Wanting to pair gives no link of a trusted server.
    expect(links).toEqual([]);
  });

  it('end with what they say when something else answers there', async () => {
    const plain = net.createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    opened.push(() => plain.close());
    const { port } = plain.address() as net.AddressInfo;
    const client = new TlsTransport(peer!);
    await expect(client.connect(`tls://127.0.0.1:${port}`, { peer: own!.identity })).rejects.toMatchObject({ code: 'link-refused' });
  });
});
