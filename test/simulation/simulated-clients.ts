import { isFault, type SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks } from '../../src-main/files/index.ts';
import type { RootView } from '../../src-main/volume/index.ts';
import { type History, type Promises, Violation } from './history.ts';
import { dumpOf } from './model.ts';
import { costOf, isFull, isRefusal, nextOperation, perform, type WorkloadShape } from './model-operation.ts';
import { isDeviceFault, MirrorServer, type PrimaryServer } from './simulated-servers.ts';
import type { SimulationReport } from './simulation-report.ts';

const snapshotsMax = 4;

/** What clients see of a simulation. */
export interface ClientsWorld {
  readonly history: History;
  readonly promises: Promises;
  readonly report: SimulationReport;
  readonly shape: WorkloadShape;
  readonly durability: 'sync' | 'request';
  /** Devices fail now and then. */
  readonly hasErrors: boolean;
  primary(): PrimaryServer | undefined;
  mirror(): MirrorServer | undefined;
  /** Nobody asks for anything now. */
  isQuiet(): boolean;
  sleep(delayMs: number): Promise<void>;
}

/** Those who use the two servers: clients of the primary, and viewers of either. */
export class SimulatedClients {
  readonly #world: ClientsWorld;
  /** Clients and viewers in the middle of something. */
  busy = 0;
  #snapshotNumber = 0;

  constructor(world: ClientsWorld) {
    this.#world = world;
  }

  /** Asks for changes, syncs, CPs and snapshots, for ever. */
  async client(random: SeededRandom): Promise<void> {
    for (;;) {
      await this.#world.sleep(random.chance(0.2) ? random.below(300) : random.below(25));
      const server = this.#world.primary();
      if (this.#world.isQuiet() || server === undefined || server.isStopping) continue;
      this.busy++;
      try {
        await server.within(this.#ask(server, random));
      } catch (fault) {
        if (server.host.isAlive && !this.#isExcused(fault, server)) throw fault;
      } finally {
        this.busy--;
      }
    }
  }

  async #ask(server: PrimaryServer, random: SeededRandom): Promise<void> {
    const { volume, host } = server;
    const dice = random.below(100);
    const { count } = this.#world.history;
    if (dice < 4) await this.#holdOpen(server, random);
    else if (dice < 80) {
      const operation = nextOperation(random, this.#world.history.last, this.#world.shape);
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
      if (this.#world.durability === 'request' && host.isAlive) this.#world.history.tell({ kind: 'durable', count: mine });
    } else if (dice < 93) {
      await volume.sync();
      this.#world.report.syncs++;
      if (host.isAlive) this.#world.history.tell({ kind: 'durable', count });
    } else if (dice < 95) {
      await volume.takeCp();
      if (host.isAlive) this.#world.history.tell({ kind: 'durable', count });
    } else await this.#askAboutSnapshots(server, random);
  }

  /** Keeps a file open for a while, which then outlives its last name. */
  async #holdOpen({ volume, host }: PrimaryServer, random: SeededRandom): Promise<void> {
    const files = this.#world.history.last.of('file');
    if (files.length === 0) return;
    const { ino } = random.pick(files);
    await volume.query((live) => {
      live.open(ino);
    });
    await this.#world.sleep(random.below(3000));
    if (!host.isAlive) return;
    await volume.change(changeBlocks.close, (live) => {
      live.close(ino);
    });
  }

  async #askAboutSnapshots({ volume, host }: PrimaryServer, random: SeededRandom): Promise<void> {
    const there = [...this.#world.promises.snapshots].flatMap(([name, is]) => (is === 'there' ? [name] : []));
    const isCreating = there.length < snapshotsMax && random.chance(0.6);
    if (!isCreating && there.length === 0) return;
    const name = isCreating ? `s${++this.#snapshotNumber}` : random.pick(there);
    this.#world.history.tell({ kind: 'snapshot', name, is: isCreating ? 'creating' : 'deleting' });
    await (isCreating ? volume.createSnapshot(name) : volume.deleteSnapshot(name));
    if (host.isAlive) this.#world.history.tell({ kind: 'snapshot', name, is: isCreating ? 'there' : 'gone' });
  }

  /** Opens views on either side now and then, for ever, and proves that they stay as they are. */
  async viewer(random: SeededRandom): Promise<void> {
    for (;;) {
      await this.#world.sleep(200 + random.below(1500));
      const server = random.chance(0.3) ? this.#world.primary() : this.#world.mirror();
      if (this.#world.isQuiet() || server === undefined || server.isStopping) continue;
      if (server instanceof MirrorServer && server.volume.committed === undefined) continue;
      this.busy++;
      try {
        await server.within(this.#look(server, random));
      } catch (fault) {
        if (server.host.isAlive && !this.#isExcused(fault, server)) throw fault;
      } finally {
        this.busy--;
      }
    }
  }

  async #look(server: PrimaryServer | MirrorServer, random: SeededRandom): Promise<void> {
    const listed = await server.volume.listSnapshots();
    const at = listed.length > 0 && random.chance(0.4) ? { snapshot: random.pick(listed).name } : 'last';
    const view: RootView = await server.volume.openView(at);
    try {
      this.#world.report.views++;
      const what = `a view on ${server.host.name}`;
      await this.#world.history.proveView(view, this.#world.promises, what);
      const before = (await dumpOf(view)).join('\n');
      for (let again = random.below(4); again > 0; again--) {
        await this.#world.sleep(random.below(2500));
        const after = (await dumpOf(view)).join('\n');
        if (after !== before) throw new Violation(`${what} of CP ${view.cp} has changed`);
      }
    } finally {
      await view.close();
    }
  }

  /** Faults that a client may meet: refusals, a full volume, failing devices, a server that stops. */
  #isExcused(fault: unknown, server: PrimaryServer | MirrorServer): boolean {
    if (isRefusal(fault) || isFull(fault) || isFault(fault, 'snapshot-not-found')) return true;
    if (server.isStopping && isFault(fault, 'device-closed')) return true;
    return this.#world.hasErrors && isDeviceFault(fault);
  }
}
