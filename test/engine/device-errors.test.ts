import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice } from '../../src-main/device/index.ts';
import { Alerts } from '../../src-main/engine/alerts.ts';
import { CpLog } from '../../src-main/engine/cp-log.ts';
import { EventLog } from '../../src-main/engine/event-log.ts';
import type { EnginePorts } from '../../src-main/engine/index.ts';
import { Scrubs } from '../../src-main/engine/scrubs.ts';
import { SettingsBook } from '../../src-main/engine/settings.ts';
import { TemporaryNames } from '../../src-main/engine/temporary-names.ts';
import { Volume } from '../../src-main/volume/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { MemoryLog } from './memory-log.ts';

const subject = 'volume work, device disk';

describe('a device that returns errors', () => {
  it('raises one alert that names it, which a whole scrub without errors ends', async () => {
    const clock = new VirtualClock();
    const random = new SeededRandom(5);
    const device = new FaultyDevice(new MemoryDevice({ name: 'disk', sizeBytes: 16 << 20 }));
    const set = await DeviceSet.create([device], { volumeId: random.bytes(16), setId: random.bytes(16), blockSizeBytes: 4096, journalBytes: 1 << 20, random });
    const volume = await Volume.create(set, { name: 'work', clock, random, cpIntervalMs: 0 });
    const events = await EventLog.open(new MemoryLog(), { clock, report: () => undefined });
    const alerts = new Alerts(events);
    let stored: string | undefined;
    const settings = { name: 'settings', read: async () => stored, write: async (text: string) => void (stored = text) };
    const book = await SettingsBook.open(settings, { random, serverName: 'office' });
    // The rest of the machine is not used here.
    const ports = { clock, log: () => new MemoryLog() } as unknown as EnginePorts;
    const scrubs = new Scrubs({ ports, book, alerts, events, isServing: true });
    const cpLog = await CpLog.open(new MemoryLog());
    scrubs.adopt({ role: 'primary', name: 'work', set, volume, cpLog, temporaryNames: new TemporaryNames(), close: () => volume.close() });

    device.plan({ operation: 'read', nth: 1, error: 'EIO', repeat: 'once' });
    device.plan({ operation: 'read', nth: 2, error: 'EIO', repeat: 'once' });
    for (let reads = 0; reads < 2; reads++) await expect(volume.readBlocks(0, [new Uint8Array(4096)])).rejects.toMatchObject({ code: 'device-io' });
    expect(set.deviceErrors).toEqual([{ device: 'disk', reads: 2, writes: 0, flushes: 0 }]);
    expect(alerts.current).toMatchObject([{ kind: 'device-errors', subject }]);
    expect(alerts.current[0]!.text).toContain('2 at reading');
    expect(events.all.filter(({ alert }) => alert?.phase === 'raised').length).toBe(1);

    clock.pass(1000);
    const scrub = await scrubs.of('work');
    await scrub.start(1 << 30);
    while (scrub.status().state === 'running') {
      clock.pass(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(scrub.status().last).toMatchObject({ lostBlocks: 0 });
    expect(alerts.current).toEqual([]);
    await scrubs.close();
    await volume.close();
  });
});
