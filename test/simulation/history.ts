import { assert, present } from '../../src-main/base/index.ts';
import type { CpFollower } from '../../src-main/consistency/index.ts';
import type { RootView, RootViewAt, SnapshotInfo } from '../../src-main/volume/index.ts';
import { differenceOf, dumpOf, FileModel, type Readable } from './model.ts';
import { applyTo, type ModelOperation } from './model-operation.ts';

/** Something that happened to a volume, in the order in which it happened. `count` counts changes from the first on. */
export type Happening =
  | { kind: 'applied'; count: number }
  /** Everything up to a count was acknowledged as durable. */
  | { kind: 'durable'; count: number }
  /** A CP took the state at a count. */
  | { kind: 'frozen'; cp: number; count: number }
  /** Its root is durable. */
  | { kind: 'committed'; cp: number; rootBytes: Uint8Array }
  | { kind: 'snapshot'; name: string; is: 'creating' | 'there' | 'deleting' | 'gone' }
  /** CPs that a mirror has or is about to have: they must be kept whole. */
  | { kind: 'needs'; cps: readonly number[] };

/** What must hold after a crash, by what had happened before it. */
export class Promises {
  /** Changes that had been made: more cannot come back. */
  applied = 0;
  /** Changes that must come back. */
  durable = 0;
  committedCp = 0;
  needs: readonly number[] = [];
  /** What each CP froze. */
  readonly cps = new Map<number, number>();
  readonly roots = new Map<number, Uint8Array>();
  readonly snapshots = new Map<string, 'creating' | 'there' | 'deleting' | 'gone'>();

  static after(happenings: Iterable<unknown>): Promises {
    const promises = new Promises();
    for (const happening of happenings) promises.add(happening as Happening);
    return promises;
  }

  add(happening: Happening): void {
    switch (happening.kind) {
      case 'applied':
        this.applied = happening.count;
        break;
      case 'durable':
        this.durable = Math.max(this.durable, happening.count);
        break;
      case 'frozen':
        this.cps.set(happening.cp, happening.count);
        break;
      case 'committed':
        this.committedCp = happening.cp;
        this.roots.set(happening.cp, happening.rootBytes);
        this.durable = Math.max(this.durable, present(this.cps.get(happening.cp), 'what a CP froze'));
        break;
      case 'snapshot':
        this.snapshots.set(happening.name, happening.is);
        break;
      case 'needs':
        this.needs = happening.cps;
    }
  }
}

/** Every state that a volume went through, and what was said about them. */
export class History {
  /** The state after each change; the first is that of an empty volume. */
  readonly states: FileModel[] = [new FileModel()];
  readonly operations: ModelOperation[] = [];
  readonly #texts: (string | undefined)[] = [];
  readonly #tell: (happening: Happening) => void;

  constructor(tell: (happening: Happening) => void) {
    this.#tell = tell;
  }

  get count(): number {
    return this.states.length - 1;
  }

  get last(): FileModel {
    return this.states[this.count]!;
  }

  /** A change has just been made. */
  applied(operation: ModelOperation, done: { ino: number; nowNs: bigint }): void {
    const state = this.last.fork();
    applyTo(state, operation, done);
    this.states.push(state);
    this.operations.push(operation);
    this.#tell({ kind: 'applied', count: this.count });
  }

  tell(happening: Happening): void {
    this.#tell(happening);
  }

  /** The follower that notes what each CP freezes and that its root is durable. */
  follower(keep: (cp: number) => boolean = () => false): CpFollower {
    return {
      begin: (cp, _baseCp, mayKeep) => {
        this.#tell({ kind: 'frozen', cp, count: this.count });
        return { keep: mayKeep && keep(cp) };
      },
      end: (cp, rootBytes) => {
        if (rootBytes !== undefined) this.#tell({ kind: 'committed', cp, rootBytes });
      },
    };
  }

  /** Forgets the changes after a count: a crash has taken them. */
  truncate(count: number): void {
    this.states.length = count + 1;
    this.operations.length = count;
    this.#texts.length = Math.min(this.#texts.length, count + 1);
  }

  text(count: number): string {
    return (this.#texts[count] ??= present(this.states[count], `state ${count}`).dump().join('\n'));
  }

  /** The count whose state a volume shows, the newest of several; throws when there is none in the range. */
  async countOf(volume: Readable, range: { least: number; most: number }, what: string): Promise<number> {
    return this.countOfText(await textOf(volume), range, what);
  }

  /** As `countOf`, for what a volume was found to show. */
  countOfText(found: string, range: { least: number; most: number }, what: string): number {
    for (let count = range.most; count >= range.least; count--) if (this.text(count) === found) return count;
    let any = 0;
    for (let count = this.count; count > 0 && any === 0; count--) if (this.text(count) === found) any = count;
    if (any > 0) throw new Violation(`${what} shows the state after change ${any}, not one from ${range.least} to ${range.most}`);
    const expected = this.text(range.least).split('\n');
    const difference = differenceOf(found.split('\n'), expected);
    throw new Violation(`${what} shows no state from ${range.least} to ${range.most}; beside ${range.least}:\n${difference}`);
  }

  /** Proves that a view shows exactly what its CP froze. */
  async proveView(view: RootView, promises: Promises, what: string): Promise<void> {
    this.judgeView({ cp: view.cp, text: await textOf(view) }, promises, what);
  }

  /** As `proveView`, for what a view was found to show. */
  judgeView({ cp, text }: FoundView, promises: Promises, what: string): void {
    const count = promises.cps.get(cp);
    if (count === undefined) throw new Violation(`${what} is of CP ${cp}, which never froze`);
    this.countOfText(text, { least: count, most: count }, `${what} of CP ${cp}`);
  }
}

/** What a view shows, in the model's terms. */
export interface FoundView {
  readonly cp: number;
  readonly text: string;
}

export interface FoundSnapshot extends FoundView {
  readonly name: string;
}

/** All files of a volume or a view as one text, to be compared with `History.text`. */
export async function textOf(volume: Readable): Promise<string> {
  return (await dumpOf(volume)).join('\n');
}

/** A promise that a volume did not keep. */
export class Violation extends Error {}

/** What both volumes have. */
interface WithSnapshots {
  listSnapshots(): Promise<SnapshotInfo[]>;
  openView(at: RootViewAt): Promise<RootView>;
}

/** What the snapshots of a volume show. */
export async function snapshotsOf(volume: WithSnapshots): Promise<FoundSnapshot[]> {
  const found: FoundSnapshot[] = [];
  for (const { name } of await volume.listSnapshots()) {
    const view = await volume.openView({ snapshot: name });
    try {
      found.push({ name, cp: view.cp, text: await textOf(view) });
    } finally {
      await view.close();
    }
  }
  return found;
}

/** Proves that the snapshots that were acknowledged are there, and show what their CPs froze. */
export async function proveSnapshots(volume: WithSnapshots, history: History, promises: Promises): Promise<void> {
  judgeSnapshots(await snapshotsOf(volume), history, promises);
}

/** As `proveSnapshots`, for what they were found to show. */
export function judgeSnapshots(there: readonly FoundSnapshot[], history: History, promises: Promises): void {
  const names = new Set(there.map(({ name }) => name));
  assert(names.size === there.length, 'a snapshot is listed once');
  for (const [name, is] of promises.snapshots) {
    if (is === 'there' && !names.has(name)) throw new Violation(`snapshot ${name} was acknowledged and is not there`);
    if (is === 'gone' && names.has(name)) throw new Violation(`snapshot ${name} was deleted and is there`);
  }
  for (const snapshot of there) history.judgeView(snapshot, promises, `snapshot ${snapshot.name}`);
}
