import { describe, expect, it } from 'vitest';
import { isFault, SeededRandom } from '../../src-main/base/index.ts';
import type { TextStore } from '../../src-main/engine/index.ts';
import { parseSettings, type Settings, SettingsBook } from '../../src-main/engine/settings.ts';

const good: Settings = {
  version: 1,
  serverId: '00112233445566778899aabbccddeeff',
  serverName: 'office',
  volumes: [
    {
      name: 'work',
      role: 'primary',
      devices: ['/data/work.img'],
      cpIntervalMs: 1000,
      durability: 'sync',
      discard: false,
      listen: [],
    },
  ],
  relationships: [{ id: 'ffeeddccbbaa99887766554433221100', volume: 'work', address: 'ipc://b', paused: false }],
};

class MemoryStore implements TextStore {
  readonly name = 'settings of the test';
  text: string | undefined;
  fails = false;

  async read(): Promise<string | undefined> {
    return this.text;
  }

  async write(text: string): Promise<void> {
    if (this.fails) throw new Error('no room');
    this.text = text;
  }
}

function refusal(edit: (settings: Record<string, unknown>) => void): string {
  const settings = structuredClone(good) as unknown as Record<string, unknown>;
  edit(settings);
  try {
    parseSettings(JSON.stringify(settings), 'the store');
    return 'none';
  } catch (thrown) {
    return isFault(thrown, 'settings-invalid') ? thrown.message : 'uncoded';
  }
}

describe('settings', () => {
  it('are read as they were written, with defaults for what is left out', () => {
    expect(parseSettings(JSON.stringify(good), 'the store')).toEqual(good);
    const { name, role, devices } = good.volumes[0]!;
    const short = { ...good, relationships: undefined, volumes: [{ name, role, devices }] };
    expect(parseSettings(JSON.stringify(short), 'the store').volumes[0]).toMatchObject({ cpIntervalMs: 30_000, listen: [] });
  });

  it('that cannot be used are refused by the name of the key', () => {
    const volumes = (settings: Record<string, unknown>): Record<string, unknown>[] => settings.volumes as Record<string, unknown>[];
    expect(refusal((settings) => (settings.serverId = 'x'))).toContain('serverId');
    expect(refusal((settings) => (volumes(settings)[0]!.cpIntervalMs = 5))).toContain('volumes.0.cpIntervalMs');
    expect(refusal((settings) => (volumes(settings)[0]!.devices = []))).toContain('volumes.0.devices');
    expect(refusal((settings) => (volumes(settings)[0]!.typo = 1))).toContain('typo');
    expect(refusal((settings) => volumes(settings).push(volumes(settings)[0]!))).toContain('volumes.1.name');
    expect(refusal((settings) => volumes(settings).push({ ...volumes(settings)[0]!, name: 'twin' }))).toContain('volumes.1.devices');
    expect(refusal((settings) => (volumes(settings)[0]!.name = 'other'))).toContain('relationships.0.volume');
    expect(refusal((settings) => delete (settings.relationships as Record<string, unknown>[])[0]!.address)).toContain('relationships.0');
    const stepping = { kind: 'stepping-down', setAsideName: 'before' };
    expect(refusal((settings) => (volumes(settings)[0]!.transition = stepping))).toContain('volumes.0.transition');
    const linkWith = (limits: unknown) => (settings: Record<string, unknown>) => Object.assign((settings.relationships as object[])[0]!, { limits });
    expect(refusal(linkWith({ bytesPerSecond: 20_000 }))).toBe('none');
    expect(refusal(linkWith({ bytesPerSecond: 0 }))).toContain('relationships.0.limits');
    expect(refusal(linkWith({ windows: [{ from: '8', to: '18' }] }))).toContain('relationships.0.limits.windows.0.from');
    expect(refusal(linkWith({ windows: [{ from: '08:00', to: '18:00' }, { from: '17:59', to: '08:00' }] }))).toContain('relationships.0.limits');
    expect(refusal((settings) => (settings.version = 2))).toContain('newer program');
    expect(() => parseSettings('{', 'the store')).toThrow(/the store.*not JSON/);
  });

  it('begin empty with an identity that stays', async () => {
    const store = new MemoryStore();
    const begin = { random: new SeededRandom(1), serverName: 'office' };
    const first = await SettingsBook.open(store, begin);
    const again = await SettingsBook.open(store, begin);
    expect(again.current).toEqual(first.current);
    expect(first.current.volumes).toEqual([]);
  });

  it('hold once they are stored, and not when they could not be', async () => {
    const store = new MemoryStore();
    store.text = JSON.stringify(good);
    const book = await SettingsBook.open(store, { random: new SeededRandom(1), serverName: 'x' });
    await book.change((settings) => ({ ...settings, serverName: 'stored' }));
    expect(parseSettings(store.text, 'the store').serverName).toBe('stored');
    store.fails = true;
    await expect(book.change((settings) => ({ ...settings, serverName: 'lost' }))).rejects.toThrow('no room');
    expect(book.current.serverName).toBe('stored');
    store.fails = false;
    await expect(book.change((settings) => ({ ...settings, volumes: [] }))).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(book.current.volumes).toHaveLength(1);
  });

  it('change one after another, so that none is lost', async () => {
    const store = new MemoryStore();
    const book = await SettingsBook.open(store, { random: new SeededRandom(1), serverName: 'n' });
    await Promise.all(Array.from({ length: 20 }, () => book.change((now) => ({ ...now, serverName: `${now.serverName}+` }))));
    expect(book.current.serverName).toBe(`n${'+'.repeat(20)}`);
  });
});
