import { describe, expect, it } from 'vitest';
import type { Alert, VolumeSummary } from '../../src-main/contract/index.ts';
import { AlertWatch } from '../../src-main/engine/alert-watch.ts';
import { Alerts } from '../../src-main/engine/alerts.ts';
import { EventLog } from '../../src-main/engine/event-log.ts';
import { type RelationshipFacts, RelationshipReports } from '../../src-main/engine/relationship-reports.ts';
import type { Settings } from '../../src-main/engine/settings.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';
import { MemoryLog } from './memory-log.ts';

const address = 'tls://office:7400';

function facts(change: Partial<RelationshipFacts> = {}): RelationshipFacts {
  return {
    volume: 'work',
    role: 'primary',
    address,
    state: 'live',
    primaryCp: 12,
    mirrorCp: 12,
    lagCps: 0,
    lagBytes: 0,
    lagMs: 0,
    bytesSent: 0,
    bytesReceived: 0,
    blocksPushed: 0,
    blocksPulled: 0,
    lastCommittedWallMs: 1_800_000_000_000,
    identical: true,
    ...change,
  };
}

/** A server whose relationships and volumes are what the test says, watched through virtual time. */
class WatchedServer {
  readonly clock = new VirtualClock();
  readonly lines: MemoryLog;
  readonly events: EventLog;
  readonly alerts: Alerts;
  readonly reports: RelationshipReports;
  readonly watch: AlertWatch;
  relationships: RelationshipFacts[] = [facts()];
  volumeState: VolumeSummary['state'] = 'open';
  settings: Settings = {
    version: 1,
    serverId: '00112233445566778899aabbccddeeff',
    serverName: 'test',
    volumes: [{ name: 'work', role: 'primary', devices: ['/w'], cpIntervalMs: 30_000, durability: 'sync', discard: false, listen: [] }],
    relationships: [{ id: 'ffeeddccbbaa99887766554433221100', volume: 'work', address, paused: false }],
  };

  private constructor(lines: MemoryLog, events: EventLog) {
    this.lines = lines;
    this.events = events;
    this.alerts = new Alerts(events);
    this.reports = new RelationshipReports({ clock: this.clock, settings: () => this.settings });
    this.watch = new AlertWatch({ alerts: this.alerts, clock: this.clock, look: () => this.#look() });
  }

  static async start(lines = new MemoryLog()): Promise<WatchedServer> {
    const server = new WatchedServer(lines, await EventLog.open(lines, { clock: new VirtualClock(), report: () => undefined }));
    server.watch.start();
    return server;
  }

  #look(): ReturnType<ConstructorParameters<typeof AlertWatch>[0]['look']> {
    const served = this.volumeState === 'open' ? this.relationships : [];
    this.reports.sample(served);
    return {
      volumes: this.settings.volumes.map(({ transition: _, ...volume }) => ({
        ...volume,
        state: this.volumeState,
        ...(this.volumeState === 'failed' && { fault: { code: 'device-missing', message: 'Device 2 of 2 is missing.' } }),
      })),
      relationships: served.map((one) => ({ status: this.reports.report(one), togetherMs: this.reports.togetherMs(one) })),
    };
  }

  /** Lets time pass with the relationship as it is then. */
  pass(ms: number, change?: Partial<RelationshipFacts>): void {
    if (change !== undefined) this.relationships = [facts(change)];
    this.clock.pass(ms);
  }

  get standing(): string[] {
    return this.alerts.current.map(({ kind }) => kind);
  }

  get told(): string[] {
    return this.events.all.map(({ alert }) => `${alert?.kind ?? ''} ${alert?.phase ?? ''}`);
  }

  alert(kind: Alert['kind']): Alert {
    return this.alerts.current.find((one) => one.kind === kind)!;
  }
}

const down = { state: 'connecting', identical: false, reason: 'Nobody listens there.' } as const;

describe('an alert about a link', () => {
  it('comes when it is down for half a minute, stays one while it flaps, and goes when it stands again', async () => {
    const server = await WatchedServer.start();
    server.pass(60_000);
    server.pass(29_000, down);
    expect(server.standing).toEqual([]);
    server.pass(5000);
    expect(server.standing).toEqual(['link-down']);
    expect(server.alert('link-down')).toMatchObject({ subject: `volume work -> ${address}`, level: 'warning', text: expect.stringContaining('Nobody listens there.') });
    for (let round = 0; round < 50; round++) {
      server.pass(5000, {});
      server.pass(40_000, down);
    }
    expect(server.told).toEqual(['link-down raised']);
    server.pass(9000, {});
    expect(server.standing).toEqual(['link-down']);
    server.pass(3000);
    expect([server.standing, server.told]).toEqual([[], ['link-down raised', 'link-down cleared']]);
  });

  it('never comes for short cuts, however many', async () => {
    const server = await WatchedServer.start();
    for (let round = 0; round < 50; round++) {
      server.pass(20_000, down);
      server.pass(2000, {});
    }
    expect(server.told).toEqual([]);
  });

  it('comes soon when a person must see to it, and not at all on a mirror or in a pause', async () => {
    const server = await WatchedServer.start();
    server.pass(8000, { ...down, state: 'error' });
    expect(server.alert('link-down').level).toBe('problem');
    server.pass(2000, { ...down, state: 'paused' });
    expect(server.standing).toEqual([]);
    server.pass(50_000, { ...down, role: 'mirror' });
    expect(server.standing).toEqual([]);
  });

  it('that stood before a restart is taken up, and goes when the link stands', async () => {
    const before = await WatchedServer.start();
    before.pass(60_000, down);
    before.watch.close();
    await before.events.close();
    const after = await WatchedServer.start(before.lines);
    after.pass(5000, down);
    expect(after.standing).toEqual(['link-down']);
    after.pass(12_000, {});
    expect(after.told).toEqual(['link-down raised', 'link-down cleared']);
  });
});

describe('an alert about lag', () => {
  it('comes beyond three intervals, and goes at half of that', async () => {
    const server = await WatchedServer.start();
    server.pass(5000, { lagMs: 90_000, lagCps: 3, mirrorCp: 9, identical: false });
    expect(server.standing).toEqual([]);
    server.pass(5000, { lagMs: 91_000, lagCps: 3, mirrorCp: 9, identical: false });
    expect(server.standing).toEqual(['lag']);
    server.pass(5000, { lagMs: 50_000, lagCps: 1, mirrorCp: 11, identical: false });
    expect(server.standing).toEqual(['lag']);
    server.pass(5000, { lagMs: 44_000, lagCps: 1, mirrorCp: 11, identical: false });
    expect(server.told).toEqual(['lag raised', 'lag cleared']);
  });

  it('does not come for what is over in a moment, and does not go in the moment of a new link', async () => {
    const server = await WatchedServer.start();
    const lagging = { lagMs: 7_200_000, lagCps: 1, mirrorCp: 11, identical: false } as const;
    server.pass(2000, lagging);
    server.pass(60_000, {});
    expect(server.told).toEqual([]);
    server.pass(5000, lagging);
    server.pass(2000, { ...lagging, state: 'connecting' });
    // The primary has not told yet how far it is.
    server.pass(2000, { identical: false });
    server.pass(5000, lagging);
    expect(server.told).toEqual(['lag raised']);
  });

  it('comes beyond a minute where CPs are frequent, or beyond what was set for the link or the volume', async () => {
    const server = await WatchedServer.start();
    const lagging = (lagMs: number): Partial<RelationshipFacts> => ({ lagMs, lagCps: 3, mirrorCp: 9, identical: false });
    const [volume] = server.settings.volumes;
    const [relationship] = server.settings.relationships;
    server.settings = { ...server.settings, volumes: [{ ...volume!, cpIntervalMs: 1000 }] };
    server.pass(5000, lagging(60_000));
    expect(server.standing).toEqual([]);
    server.pass(3000, lagging(60_001));
    expect(server.standing).toEqual(['lag']);
    server.settings = { ...server.settings, volumes: [{ ...volume!, lagLimitMs: 200_000 }] };
    server.pass(3000);
    expect(server.standing).toEqual([]);
    server.settings = { ...server.settings, relationships: [{ ...relationship!, lagLimitMs: 10_000 }] };
    server.pass(3000);
    expect(server.standing).toEqual(['lag']);
  });

  it('comes on the mirror by its own clock when its primary is silent, even if all was equal', async () => {
    const server = await WatchedServer.start();
    const mirror = { role: 'mirror', address: 'tls://0.0.0.0:7400' } as const;
    server.pass(60_000, mirror);
    server.pass(59_000, { ...mirror, ...down });
    expect(server.standing).toEqual([]);
    server.pass(5000);
    expect(server.alert('lag')).toMatchObject({ subject: 'volume work', text: expect.stringContaining('Nothing has come from its primary for 1 min') });
    server.pass(3_600_000);
    expect([server.told, server.alert('lag').text]).toEqual([['lag raised'], expect.stringContaining('1 h')]);
    server.pass(5000, mirror);
    expect(server.told).toEqual(['lag raised', 'lag cleared']);
  });

  it('does not come on a mirror that has nothing yet', async () => {
    const server = await WatchedServer.start();
    server.pass(600_000, { ...down, role: 'mirror', mirrorCp: 0, primaryCp: 0 });
    expect(server.told).toEqual([]);
  });
});

describe('an alert about clocks', () => {
  it('comes when they are five minutes apart, either way, and goes below four', async () => {
    const server = await WatchedServer.start();
    server.pass(5000, { clockAheadMs: 299_000 });
    expect(server.standing).toEqual([]);
    server.pass(5000, { clockAheadMs: -301_000, peerName: 'office' });
    expect(server.alert('clock-skew').text).toContain("The clock of 'office' is about 5 minutes behind the clock here.");
    for (const clockAheadMs of [-299_000, -305_000, -241_000]) server.pass(5000, { clockAheadMs });
    server.pass(5000, {});
    expect(server.told).toEqual(['clock-skew raised']);
    server.pass(5000, { clockAheadMs: -239_000 });
    expect(server.told).toEqual(['clock-skew raised', 'clock-skew cleared']);
  });
});

describe('an alert about a volume', () => {
  it('comes when it is not served, in place of those about its links', async () => {
    const server = await WatchedServer.start();
    server.volumeState = 'failed';
    server.pass(60_000, down);
    expect(server.standing).toEqual(['volume-failed']);
    expect(server.alert('volume-failed')).toMatchObject({ level: 'problem', subject: 'volume work', text: 'It is not served: Device 2 of 2 is missing.' });
    server.volumeState = 'open';
    server.pass(1000);
    expect(server.told).toEqual(['volume-failed raised', 'volume-failed cleared']);
  });
});

it('what is not there any more has no alerts, and what others raised is left to them', async () => {
  const server = await WatchedServer.start();
  server.pass(60_000, { ...down, clockAheadMs: 1e9 });
  server.alerts.raise({ kind: 'scrub-errors', subject: 'volume work', text: 'One block is wrong.', next: 'See to it.' });
  expect(server.standing).toEqual(['clock-skew', 'link-down', 'scrub-errors']);
  server.relationships = [];
  server.settings = { ...server.settings, volumes: [], relationships: [] };
  server.pass(1000);
  expect(server.standing).toEqual(['scrub-errors']);
});

describe('a relationship through time', () => {
  it('has the throughput of the last ten seconds, and from it the time to catch up', async () => {
    const server = await WatchedServer.start();
    const lagging = { lagMs: 2000, lagCps: 1, lagBytes: 30_000_000, mirrorCp: 11, identical: false } as const;
    let bytesSent = 1_000_000;
    for (let second = 0; second < 30; second++) server.pass(1000, { ...lagging, bytesSent: (bytesSent += 1_000_000), bytesReceived: second * 100 });
    const { sentPerSecond, receivedPerSecond, catchUpMs, loseUpToMs } = server.reports.report(server.relationships[0]!);
    expect([sentPerSecond, receivedPerSecond, catchUpMs, loseUpToMs]).toEqual([1_000_000, 100, 30_000, 32_000]);
    server.pass(12_000);
    const idle = server.reports.report(server.relationships[0]!);
    expect([idle.sentPerSecond, idle.catchUpMs]).toEqual([0, undefined]);
  });

  it('that began anew counts from nothing, and one without a link promises nothing', async () => {
    const server = await WatchedServer.start();
    server.pass(5000, { bytesSent: 9_000_000 });
    server.pass(3000, { bytesSent: 10_000 });
    expect(server.reports.report(server.relationships[0]!).sentPerSecond).toBe(0);
    server.pass(4000, { ...down, lagBytes: 1000 });
    const report = server.reports.report(server.relationships[0]!);
    expect([report.loseUpToMs, report.catchUpMs]).toEqual([undefined, undefined]);
    expect(report.apartMs).toBeGreaterThanOrEqual(3000);
  });
});
