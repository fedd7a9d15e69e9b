import { isFault, type SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import { type KeepRules, lastCommonCps, planRetention } from '../../src-main/retention/index.ts';
import { isAutomaticName } from '../../src-main/snapshots/index.ts';
import type { RootView } from '../../src-main/volume/index.ts';
import { Violation } from './history.ts';
import { dumpOf } from './model.ts';
import { costOf, isFull, isRefusal, nextOperation, perform } from './model-operation.ts';
import { isDeviceFault, MirrorServer, type PrimaryServer } from './simulated-servers.ts';
import type { SimulatedWorld } from './simulated-world.ts';

const snapshotsMax = 4;
const scheduleRules: KeepRules = { keepAllForMs: 1500, last: 2, hourly: 1, daily: 1, weekly: 0, monthly: 0, yearly: 0 };

/** Those who use the servers: clients of the primary, its schedule of snapshots, and viewers of any. */
export class SimulatedClients {
  readonly #world: SimulatedWorld;
  /** Clients and viewers in the middle of something. */
  busy = 0;
  #snapshotNumber = 0;

  constructor(world: SimulatedWorld) {
    this.#world = world;
  }

  /** Asks for changes, syncs, CPs and snapshots, for ever. */
  async client(random: SeededRandom): Promise<void> {
    const { restChance, pauseMsMax } = this.#world.plan.client;
    for (;;) {
      await this.#world.sleep(random.chance(restChance) ? random.below(300) : random.below(pauseMsMax));
      await this.#use(this.#world.primary, (server) => this.#ask(server, random));
    }
  }

  /** Does something with a server that is up, unless all is to be quiet. */
  async #use<S extends PrimaryServer | MirrorServer>(server: S | undefined, act: (server: S) => Promise<void>): Promise<void> {
    if (this.#world.isQuiet || server === undefined || server.isStopping) return;
    this.busy++;
    try {
      await server.within(act(server));
    } catch (fault) {
      if (server.host.isAlive && !this.#isExcused(fault, server)) throw fault;
    } finally {
      this.busy--;
    }
  }

  async #ask(server: PrimaryServer, random: SeededRandom): Promise<void> {
    const { volume, host } = server;
    const dice = random.below(100);
    const { count } = this.#world.history;
    const { cpPercent, client: { cpAfterChangeChance } } = this.#world.plan;
    if (dice < 4) await this.#holdOpen(server, random);
    else if (dice < 4 + cpPercent) await this.#takeCp(server);
    else if (dice < 82) {
      const operation = nextOperation(random, this.#world.history.last, this.#world.plan.shape);
      let mine = 0;
      const frees = ['unlink', 'rmdir', 'truncate', 'punch'].includes(operation.kind);
      await volume.change(
        costOf(operation, 4096),
        (files) => {
          if (!host.isAlive) throw new Violation('a dead server makes a change');
          const ino = perform(operation, files);
          this.#world.history.applied(operation, { ino, nowNs: host.nowNs });
          mine = this.#world.history.count;
        },
        { frees },
      );
      if (this.#world.plan.durability === 'request' && host.isAlive) this.#world.history.tell({ kind: 'durable', count: mine });
      if (host.isAlive && cpAfterChangeChance > 0 && random.chance(cpAfterChangeChance)) await this.#takeCp(server);
    } else if (dice < 95) {
      await volume.sync();
      this.#world.report.syncs++;
      if (host.isAlive) this.#world.history.tell({ kind: 'durable', count });
    } else await this.#askAboutSnapshots(server, random);
  }

  async #takeCp({ volume, host }: PrimaryServer): Promise<void> {
    const { count } = this.#world.history;
    await volume.takeCp();
    if (host.isAlive) this.#world.history.tell({ kind: 'durable', count });
  }

  /** Keeps a file open for a while, which then outlives its last name. */
  async #holdOpen({ volume, host }: PrimaryServer, random: SeededRandom): Promise<void> {
    const files = this.#world.history.last.of('file');
    if (files.length === 0) return;
    const { ino } = random.pick(files);
    await volume.query((live) => {
      live.open(ino);
    });
    await this.#world.sleep(random.below(this.#world.plan.client.holdMsMax));
    if (!host.isAlive) return;
    await volume.change(changeBlocks.close, (live) => {
      live.close(ino);
    });
  }

  async #askAboutSnapshots({ volume, host }: PrimaryServer, random: SeededRandom): Promise<void> {
    const there = [...this.#world.promises.snapshots].flatMap(([name, is]) => (is === 'there' && !isAutomaticName(name) ? [name] : []));
    const isCreating = there.length < snapshotsMax && random.chance(0.6);
    if (!isCreating && there.length === 0) return;
    const name = isCreating ? `s${++this.#snapshotNumber}` : random.pick(there);
    this.#world.history.tell({ kind: 'snapshot', name, is: isCreating ? 'creating' : 'deleting' });
    await (isCreating ? volume.createSnapshot(name) : volume.deleteSnapshot(name));
    if (!host.isAlive) return;
    this.#world.history.tell({ kind: 'snapshot', name, is: isCreating ? 'there' : 'gone' });
    this.#world.report.snapshots[isCreating ? 'made' : 'deleted']++;
  }

  /** Takes snapshots as a schedule does, for ever, and gives up what its rules no longer keep. */
  async schedule(random: SeededRandom): Promise<void> {
    for (;;) {
      await this.#world.sleep(300 + random.below(1500));
      await this.#use(this.#world.primary, (server) => this.#retain(server));
    }
  }

  async #retain({ volume, host }: PrimaryServer): Promise<void> {
    const { history, report, mirrors } = this.#world;
    const listed = await volume.listSnapshots();
    const before = listed.map((one) => ({ ...one, isHeld: one.holds.length > 0, isAutomatic: isAutomaticName(one.name) }));
    const mirrorCps = mirrors.map(({ cp }) => cp);
    const nowMs = host.wallMs();
    const next = { name: 'next', cp: volume.root.cp + 1, wallMs: nowMs, isHeld: false, isAutomatic: true };
    const verdicts = planRetention([...before, next], scheduleRules, { nowMs, mirrorCps, damagedCps: new Set() });
    const drop = verdicts.flatMap(({ snapshot, reasons }) => (reasons.length === 0 ? [snapshot.name] : []));
    const common = lastCommonCps(before.map(({ cp }) => cp), mirrorCps);
    const lost = before.find(({ name, cp }) => common.has(cp) && drop.includes(name));
    if (lost !== undefined) throw new Violation(`the rules give up ${lost.name}, the newest snapshot that a mirror has too`);
    for (const name of drop) history.tell({ kind: 'snapshot', name, is: 'deleting' });
    const { made, dropped } = await volume.snapshots.retain({ keep: true, drop });
    if (!host.isAlive) return;
    for (const name of dropped) history.tell({ kind: 'snapshot', name, is: 'gone' });
    if (made !== undefined) history.tell({ kind: 'snapshot', name: made.name, is: 'there' });
    report.snapshots.made += made === undefined ? 0 : 1;
    report.snapshots.givenUp += dropped.length;
  }

  /** Opens views on either side now and then, for ever, and proves that they stay as they are. */
  async viewer(random: SeededRandom): Promise<void> {
    for (;;) {
      await this.#world.sleep(200 + random.below(1500));
      const server = random.chance(0.3) ? this.#world.primary : this.#mirror(random);
      if (server instanceof MirrorServer && server.volume.committed === undefined) continue;
      await this.#use(server, (seen) => this.#look(seen, random));
    }
  }

  /** What one shows before it has followed is no state of the volume's history any more. */
  #mirror(random: SeededRandom): MirrorServer | undefined {
    const { oldLine, server } = random.pick(this.#world.mirrors);
    return oldLine === undefined ? server : undefined;
  }

  async #look(server: PrimaryServer | MirrorServer, random: SeededRandom): Promise<void> {
    const listed = await server.volume.listSnapshots();
    const at = listed.length > 0 && random.chance(0.4) ? { snapshot: random.pick(listed).name } : 'last';
    const isKept = this.#keptFor(server);
    const view: RootView = await server.volume.openView(at);
    try {
      this.#world.report.views++;
      const what = `a view on ${server.host.name}`;
      await this.#world.history.proveView(view, this.#world.promises, what);
      const before = (await dumpOf(view)).join('\n');
      for (let again = random.below(4); again > 0; again--) {
        await this.#world.sleep(random.below(this.#world.plan.viewPauseMsMax));
        const after = (await dumpOf(view)).join('\n');
        if (after !== before) throw new Violation(`${what} of CP ${view.cp} has changed`);
        if (isKept()) await this.#proveKept(view, what, isKept);
      }
    } catch (fault) {
      // What is no longer kept for a mirror is missing there after a while, and never wrong.
      if (isKept() || !isFault(fault, 'checksum-mismatch')) throw fault;
    } finally {
      await view.close();
    }
  }

  /** Tells whether the primary keeps what a server shows from now on: always of itself, and for a mirror until a base is dropped. */
  #keptFor(server: PrimaryServer | MirrorServer): () => boolean {
    const { primary, report, mirrors } = this.#world;
    if (server === primary) return () => true;
    const { basesDropped } = report.faults;
    const wasKept = mirrors.some((mirror) => mirror.server === server && mirror.isKept);
    return () => wasKept && report.faults.basesDropped === basesDropped;
  }

  /**
   * Proves that the primary still keeps what is read: one of its blocks would be
   * used again by chance only, and later. It may be given up before the primary
   * comes to answer.
   */
  async #proveKept({ cp }: RootView, what: string, isKept: () => boolean): Promise<void> {
    const { primary } = this.#world;
    if (primary === undefined || primary.isStopping || this.#world.isQuiet) return;
    try {
      const kept = await primary.within(primary.volume.openView({ cp }));
      if (kept !== 'dead') await kept.close();
    } catch (fault) {
      if (isKept() && isFault(fault, 'snapshot-not-found')) throw new Violation(`${what} of CP ${cp} is open, and is no longer kept for it`);
      if (primary.host.isAlive && !this.#isExcused(fault, primary)) throw fault;
    }
  }

  /** Faults that a client may meet: refusals, a full volume, failing devices, a server that stops. */
  #isExcused(fault: unknown, server: PrimaryServer | MirrorServer): boolean {
    if (isRefusal(fault) || isFull(fault) || isFault(fault, 'snapshot-not-found')) return true;
    if (server.isStopping && isFault(fault, 'device-closed')) return true;
    // What is wrong on a harmed disk is found, and nobody is there to fetch it from.
    if (server instanceof MirrorServer && this.#world.plan.silentFaultChance > 0 && isFault(fault, 'checksum-mismatch')) return true;
    return this.#world.plan.hasErrors && isDeviceFault(fault);
  }
}
