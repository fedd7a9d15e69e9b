import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { systemRandom } from '../../src-main/base/index.ts';
import { makeIdentity } from '../../src-main/pairing/index.ts';
import { IpcTransport, MemoryLink, MemoryTransport, SocketLink, TcpTransport, TlsTransport } from '../../src-main/transport/index.ts';
import type { Link } from '../../src-main/transport/index.ts';
import { transportContract } from '../suites/transport-contract.ts';
import type { TransportHarness } from '../suites/transport-contract.ts';

let count = 0;

function cut(link: Link): void {
  if (!(link instanceof MemoryLink || link instanceof SocketLink)) throw new Error('this link cannot be cut');
  link.cut();
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

/** A process that listens at a port with the shortest queue, and then never runs its event loop again. */
const stuckServer = `
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    require('node:fs').writeSync(1, server.address().port + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

async function stuckAddress(scheme: 'tcp' | 'tls' = 'tcp'): Promise<{ address: string } & AsyncDisposable> {
  const child = spawn(process.execPath, ['-e', stuckServer], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  // These fill the queue of connections that nobody accepts.
  const fillers = Array.from({ length: 8 }, () => net.connect({ host: '127.0.0.1', port }).on('error', () => undefined));
  await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, 'connect')));
  return {
    address: `${scheme}://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

transportContract('memory', () =>
  Promise.resolve<TransportHarness>({
    transport: new MemoryTransport(),
    address: () => `memory://name-${count++}`,
    vacantAddress: () => 'memory://nobody',
    cut,
    tellsCutFromEnd: true,
    [Symbol.asyncDispose]: nothing,
  }),
);

async function vacantPort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

transportContract('tcp', async () => {
  const port = await vacantPort();
  return {
    transport: new TcpTransport(),
    address: () => 'tcp://127.0.0.1:0',
    vacantAddress: () => `tcp://127.0.0.1:${port}`,
    cut,
    tellsCutFromEnd: true,
    stuckAddress,
    [Symbol.asyncDispose]: nothing,
  };
});

transportContract('tls', async () => {
  const port = await vacantPort();
  const client = new TlsTransport(await makeIdentity(systemRandom));
  const server = new TlsTransport(await makeIdentity(systemRandom));
  server.admit((peer) => peer === client.identity);
  return {
    transport: {
      connect: (address, options) => client.connect(address, { ...options, peer: server.identity }),
      listen: (address, onLink) => server.listen(address, onLink),
    },
    address: () => 'tls://127.0.0.1:0',
    vacantAddress: () => `tls://127.0.0.1:${port}`,
    cut,
    tellsCutFromEnd: true,
    stuckAddress: () => stuckAddress('tls'),
    [Symbol.asyncDispose]: nothing,
  };
});

transportContract('node-ipc', async () => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'mirrorpoint-ipc-'));
  return {
    transport: new IpcTransport({ folder }),
    address: () => `ipc://name-${count++}`,
    vacantAddress: () => 'ipc://nobody',
    cut,
    // When a local socket's owner dies the kernel ends it as if in order.
    tellsCutFromEnd: false,
    async [Symbol.asyncDispose]() {
      await fs.rm(folder, { recursive: true, force: true });
    },
  };
});
