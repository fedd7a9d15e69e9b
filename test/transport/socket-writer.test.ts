import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { SocketWriter } from '../../src-main/transport/socket-writer.ts';

interface Pair extends AsyncDisposable {
  readonly sender: Socket;
  readonly receiver: Socket;
}

async function socketPair(): Promise<Pair> {
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sender = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [receiver] = (await once(server, 'connection')) as [Socket];
  return {
    sender,
    receiver,
    async [Symbol.asyncDispose]() {
      sender.destroy();
      receiver.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

describe('what is written to a socket', () => {
  test('arrives in order, in small and large pieces, and whole before the end', async () => {
    await using pair = await socketPair();
    const random = new SeededRandom(20);
    const received = buffer(pair.receiver);
    const writer = new SocketWriter(pair.sender);
    const sends = Array.from({ length: 40 }, () =>
      Array.from({ length: random.below(4) }, () => random.bytes(random.below(2) === 0 ? random.below(2000) : 65_536 + random.below(200_000))),
    );
    const taken: number[] = [];
    for (const [index, buffers] of sends.entries()) {
      writer.write(buffers, (error) => {
        expect(error ?? undefined).toBeUndefined();
        taken.push(index);
      });
    }
    writer.end();
    expect((await received).equals(Buffer.concat(sends.flat()))).toBe(true);
    expect(taken).toEqual(sends.map((_, index) => index));
  });

  test('is reported as not taken, each send once, when the socket is gone', async () => {
    await using pair = await socketPair();
    pair.sender.on('error', () => undefined);
    const writer = new SocketWriter(pair.sender);
    const faults: (Error | null | undefined)[] = [];
    const all = new Promise<void>((resolve) => {
      for (let send = 0; send < 5; send++) {
        writer.write([new Uint8Array(10), new Uint8Array(8 << 20)], (error) => {
          faults.push(error);
          if (faults.length === 5) resolve();
        });
      }
    });
    pair.sender.destroy();
    await all;
    expect(faults.at(-1)).toBeInstanceOf(Error);
    expect(faults.filter((fault) => fault instanceof Error).length).toBeGreaterThanOrEqual(4);
  });
});
