import { describe, expect, it } from 'vitest';
import { parseSettings } from '../../src-main/engine/index.ts';
import { MemoryTransport } from '../../src-main/transport/index.ts';
import { MemoryServer, SettableClock } from './memory-engine.ts';

async function started(options: ConstructorParameters<typeof MemoryServer>[0] = {}): Promise<MemoryServer> {
  const server = new MemoryServer(options);
  await server.start();
  return server;
}

describe('the settings of a server', () => {
  it('begin with the name of its machine and every alert, also where they were stored before there was a choice', async () => {
    await using server = await started();
    expect(await server.client.server.settings({})).toEqual({ serverName: 'office', notifications: 'warning' });
    expect(Object.keys(JSON.parse(server.settings.text ?? '') as object)).not.toContain('notifications');
  });

  it('change as they are told, what is left out stays, and they hold after a restart', async () => {
    await using server = await started();
    expect(await server.client.server.configure({ serverName: ' attic ' })).toEqual({ serverName: 'attic', notifications: 'warning' });
    expect(await server.client.server.configure({ notifications: 'none' })).toEqual({ serverName: 'attic', notifications: 'none' });
    expect(await server.client.server.configure({})).toEqual({ serverName: 'attic', notifications: 'none' });
    expect(parseSettings(server.settings.text ?? '', 'the store')).toMatchObject({ serverName: 'attic', notifications: 'none' });
    await server.stop();
    await server.start();
    expect(await server.client.server.settings({})).toEqual({ serverName: 'attic', notifications: 'none' });
    expect((await server.client.server.status({})).serverName).toBe('attic');
  });

  it('are heard of by whoever watches, and the new name is an event, once', async () => {
    await using server = await started();
    const stream = await server.client.server.watch({});
    expect((await stream.next()).value).toMatchObject({ serverName: 'office' });
    const next = stream.next();
    await server.settle();
    await server.client.server.configure({ serverName: 'attic' });
    await server.client.server.configure({ serverName: 'attic' });
    await server.pass(1000, 1000);
    expect((await next).value).toMatchObject({ serverName: 'attic' });
    await stream.return(undefined);
    expect(server.engine.events.all.filter(({ subject }) => subject === 'server').map(({ text }) => text)).toEqual([
      "It was called 'office', and is called 'attic' now.",
    ]);
  });

  it('refuse a name that others could not be shown, and nothing changes', async () => {
    await using server = await started();
    for (const serverName of ['', '   ', 'x'.repeat(121), 'a\nb', 'a\u202eb', 'a\u200bb', '\ud800']) {
      await expect(server.client.server.configure({ serverName, notifications: 'none' })).rejects.toMatchObject({ code: 'argument-invalid' });
    }
    expect(await server.client.server.settings({})).toEqual({ serverName: 'office', notifications: 'warning' });
  });

  it('the name is what the other server of a relationship hears with the next session', async () => {
    const [clock, transport] = [new SettableClock(), new MemoryTransport()];
    await using primary = await started({ clock, transport });
    await using mirror = await started({ clock, transport, seed: 2 });
    await mirror.createVolume('copy', { role: 'mirror', listen: ['memory://copy'] });
    await primary.createVolume('work');
    await primary.client.relationships.link({ volume: 'work', address: 'memory://copy' });
    await primary.until(() => primary.engine.relationshipStatuses()[0]?.identical === true, 'the mirror');
    await primary.client.server.configure({ serverName: 'cellar' });
    await mirror.client.server.configure({ serverName: 'attic' });
    await primary.client.relationships.pause({ volume: 'work' });
    await primary.client.relationships.resume({ volume: 'work' });
    await primary.until(() => primary.engine.relationshipStatuses()[0]?.peerName === 'attic', 'the new name of the mirror');
    expect(mirror.engine.relationshipStatuses()[0]?.peerName).toBe('cellar');
  });
});
