import { describe, expect, it, onTestFinished } from 'vitest';
import { renewLinks, takeCpsBeforeSleep } from '../../src-main/engine/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';

const address = 'memory://b';

async function started(server: MemoryServer): Promise<MemoryServer> {
  await server.start();
  onTestFinished(() => server.stop().catch(() => undefined));
  return server;
}

describe('a machine that goes to sleep', () => {
  it('takes a CP on every primary first, and its history says why', async () => {
    const server = await started(new MemoryServer());
    for (const name of ['work', 'home']) {
      await server.createVolume(name);
      await server.touch(name, 'file');
    }
    await server.createVolume('copy', { role: 'mirror', listen: [address] });
    await takeCpsBeforeSleep(server.engine);
    for (const volume of ['work', 'home']) {
      const { records } = await server.client.cp.history({ volume, limit: 1 });
      expect(records).toMatchObject([{ cause: 'sleep' }]);
      expect((await server.client.volumes.inspect({ volume })).waitingBytes).toBe(0);
    }
  });

  it('passes over a volume whose devices fail, and says so', async () => {
    const server = await started(new MemoryServer());
    await server.createVolume('work');
    await server.touch('work', 'file');
    await server.kill();
    await takeCpsBeforeSleep(server.engine);
    expect(server.engine.events.last(1)).toMatchObject([{ subject: 'volume work', level: 'warning', text: expect.stringContaining('before the machine went to sleep') }]);
  });
});

describe('a machine that wakes', () => {
  async function pair(): Promise<{ a: MemoryServer; b: MemoryServer; sessionCount: () => number }> {
    const [clock, transport] = [new SettableClock(), new MemoryTransport()];
    const a = await started(new MemoryServer({ clock, transport, seed: 1 }));
    const b = await started(new MemoryServer({ clock, transport, seed: 2 }));
    await b.createVolume('copy', { role: 'mirror', listen: [address] });
    await a.createVolume('work');
    await a.client.relationships.link({ volume: 'work', address });
    await a.until(() => a.engine.relationshipStatuses()[0]?.identical === true, 'an identical mirror');
    const { id } = a.engine.book.current.relationships[0]!;
    return { a, b, sessionCount: () => a.engine.relationships.runningOf(id)!.sessionCount };
  }

  it('begins every relationship on a new link, without waiting for the old one to fall silent', async () => {
    const { a, sessionCount } = await pair();
    expect(sessionCount()).toBe(1);
    await renewLinks(a.engine);
    await a.settle();
    expect(sessionCount()).toBe(2);
  });

  it('takes its primary again as a mirror', async () => {
    const { a, b, sessionCount } = await pair();
    await renewLinks(b.engine);
    await a.until(() => sessionCount() === 2, 'a session more');
    await a.touch('work', 'later');
    await a.client.cp.now({ volume: 'work' });
    await a.until(() => b.engine.relationshipStatuses()[0]?.mirrorCp === a.engine.relationshipStatuses()[0]?.primaryCp, 'the mirror at the last CP');
  });

  it('leaves what is paused paused', async () => {
    const { a, sessionCount } = await pair();
    await a.client.relationships.pause({ volume: 'work' });
    await renewLinks(a.engine);
    await a.settle();
    expect(sessionCount()).toBe(1);
    expect(a.engine.relationshipStatuses()[0]?.state).toBe('paused');
  });
});
