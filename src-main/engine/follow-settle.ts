import { isFault } from '../base/index.ts';
import { lookInPlace, isSameContent, type NamePlace, planMoves, restLeftMs, searchedEntriesMax, isProof } from '../following/index.ts';
import { type Existing, type FollowGround, pathIn, splitRelative } from './follow-ground.ts';
import { notMade } from './follow-hands.ts';
import type { Come, FollowScan, Gone } from './follow-scan.ts';

const pageEntries = 256;

/** Where something goes that is in the way of a rename and is renamed itself. */
const asideName = '.mirrorpoint-follow-aside-';

/**
 * Settles what a scan has gathered: renames first, then the names that came for
 * something else, and at the end of the pass the names that went.
 */
export class FollowSettle {
  readonly #ground: FollowGround;
  readonly #scan: FollowScan;
  /** Folders whose entries were changed after they had been finished, by their inode numbers. */
  readonly #touched = new Map<number, string>();

  constructor(ground: FollowGround, scan: FollowScan) {
    this.#ground = ground;
    this.#scan = scan;
  }

  /** Settles the names that came; folders that are to be looked at then wait in the scan. */
  async round(): Promise<void> {
    const { job } = this.#ground.parts;
    const { gone } = this.#scan;
    const come = this.#scan.come.splice(0);
    const provable = come.filter(({ wanted, source }) => wanted !== 0 && isProof(source.id, source.kind));
    let plan = planMoves(gone.all, provable);
    if (plan.arrivalsLeft.length > 0) {
      await this.#searchGone(new Set(plan.arrivalsLeft.map(({ wanted }) => wanted)));
      plan = planMoves(gone.all, provable);
    }
    const away = new Map<number, NamePlace>();
    for (const { ino, at, path } of plan.aside) {
      const to = { parent: at.parent, name: `${asideName}${ino}` };
      if (this.#ground.isDry || (await this.#ground.parts.hands.move(ino, { from: at, to, fromPath: path, path: to.name }))) away.set(ino, to);
    }
    const settled = new Set<Come>();
    for (const { departure, arrival } of plan.moves) {
      job.checkCancelled();
      await this.#ground.guarded(arrival.path, async () => {
        const at = away.get(departure.ino) ?? departure.at;
        if (!(await this.#move({ ...departure, at }, arrival))) return;
        gone.remove(departure.at);
        settled.add(arrival);
      });
    }
    for (const arrival of come) {
      if (settled.has(arrival)) continue;
      job.checkCancelled();
      await this.#ground.guarded(arrival.path, () => this.#settle(arrival));
    }
  }

  /** Removes the names that went, as far as they are still gone, and sets what folders have beside their entries. */
  async finish(): Promise<void> {
    // A folder after what was in it, where both went.
    for (const gone of this.#scan.gone.all.sort((one, other) => (one.path < other.path ? 1 : -1))) {
      this.#ground.parts.job.checkCancelled();
      await this.#ground.guarded(gone.path, () => this.#removeGone(gone));
    }
    for (const [ino, path] of this.#touched) {
      await this.#ground.guarded(path, async () => {
        const stat = await this.#ground.statOf(path);
        if (stat?.kind === 'directory') await this.#ground.finish(ino, stat, path);
      });
    }
  }

  /** Moves what is in the volume to the name that it has in the folder now. */
  async #move({ ino, at: from, path: fromPath }: Gone, { to, path, source }: Come): Promise<boolean> {
    const ground = this.#ground;
    const there = await ground.existingAt(to);
    if (there !== undefined && there.ino !== ino && (there.kind === 'directory' || source.kind === 'directory')) await this.#removeTree(there, to, path);
    if (!(await ground.parts.hands.move(ino, { from, to, fromPath, path }))) return false;
    if (source.kind === 'directory') ground.parts.watch.remove(ground.localOf(fromPath));
    if (source.kind === 'directory' && !ground.isDry) this.#folderMoved(fromPath, path);
    this.#touch(from.parent, fromPath);
    this.#touch(to.parent, path);
    const moved = ground.isDry ? await this.#statOf(ino) : await ground.existingAt(to);
    if (moved === undefined) return true;
    if (source.kind === 'directory') {
      this.#scan.waiting.push({ path, ino, stat: source, names: 'all', isDeep: true, isNew: false });
      return true;
    }
    if (isSameContent(source, moved)) await ground.finish(ino, source, path);
    else await this.#take({ to, path, source, wanted: 0 }, moved);
    return true;
  }

  /** Settles a name that came and did not turn out to be renamed. */
  async #settle(arrival: Come): Promise<void> {
    const ground = this.#ground;
    const { to, path, source } = arrival;
    const existing = await ground.existingAt(to);
    const other = await ground.elsewhere(source, existing);
    if (other !== undefined && source.kind === 'file' && source.linkCount > 1 && isSameContent(source, other)) {
      await ground.intend([path]);
      await ground.parts.hands.link(other.ino, { at: to, path, isThere: existing !== undefined });
      this.#touch(to.parent, path);
      return;
    }
    // Its other name has gone only just now: the next pass sees both ends.
    if (other !== undefined && source.linkCount <= 1 && !ground.isDry && isProof(source.id, source.kind) && ground.parts.before(path) === undefined) {
      ground.again(path, { delayMs: 0, isForced: false });
      return;
    }
    const look = lookInPlace(source, existing, ground.looked(source, existing, path).isForced);
    if (look.do === 'take') await this.#take(arrival, existing);
    else if (look.do === 'enter' && existing !== undefined) {
      await ground.took(existing.ino, source);
      this.#scan.waiting.push({ path, ino: existing.ino, stat: source, names: 'all', isDeep: true, isNew: false });
    } else if (existing !== undefined && look.do !== 'refuse') {
      if (look.do === 'update') await ground.parts.hands.update(existing.ino, source, path);
      await ground.took(existing.ino, source);
    }
  }

  async #take({ to, path, source }: Come, existing: Existing | undefined): Promise<void> {
    const ground = this.#ground;
    const { before, clock, record } = ground.parts;
    record.checkRoom();
    const delayMs = ground.isDry ? 0 : restLeftMs(source, { wallMs: clock.wallMs(), waitedMs: before(path)?.waitedMs ?? 0 });
    if (delayMs > 0) {
      ground.again(path, { delayMs, isForced: before(path)?.isForced === true });
      return;
    }
    await ground.intend([path]);
    const isCrossed = existing !== undefined && (existing.kind === 'directory') !== (source.kind === 'directory');
    if (isCrossed) await this.#removeTree(existing, to, path);
    if (source.kind === 'directory') await this.#scan.makeFolder(to, source, path);
    else await this.#scan.take(to, { source, path, existing: isCrossed ? undefined : existing });
    this.#touch(to.parent, path);
  }

  /** Looks for inodes below the folders that went, where they may have been before they were moved out. */
  async #searchGone(wanted: ReadonlySet<number>): Promise<void> {
    const folders = this.#scan.gone.all.filter(({ kind }) => kind === 'directory').map(({ ino, path }) => ({ ino, path }));
    let searchedCount = 0;
    for (let folder = folders.pop(); folder !== undefined && searchedCount < searchedEntriesMax; folder = folders.pop()) {
      for await (const { name, ino, kind } of this.#entriesOf(folder.ino)) {
        searchedCount++;
        const path = pathIn(folder.path, name);
        if (kind === 'directory') folders.push({ ino, path });
        if (wanted.has(ino)) this.#scan.gone.add({ ino, at: { parent: folder.ino, name }, path, kind });
      }
    }
  }

  async *#entriesOf(ino: number): AsyncGenerator<{ name: string; ino: number; kind: Existing['kind'] }, void, void> {
    for (let after: string | undefined; ; ) {
      const start = after;
      const page = await this.#ground.parts.volume.query((files) => files.readDirectory(ino, start, pageEntries));
      yield* page;
      if (page.length < pageEntries) return;
      after = page.at(-1)?.name;
    }
  }

  async #removeGone(gone: Gone): Promise<void> {
    const ground = this.#ground;
    const now = await ground.existingAt(gone.at);
    if (now?.ino !== gone.ino) return;
    const stat = await ground.statOf(gone.path);
    // It is there again, or another thing is that has been seen to.
    if (stat !== undefined && stat.kind !== 'other') return;
    if (now.kind === 'directory') ground.parts.watch.remove(ground.localOf(gone.path));
    await this.#removeTree(now, gone.at, gone.path);
    this.#touch(gone.at.parent, gone.path);
  }

  /** Removes an entry with what was taken below it. What others put there stays, with the folders around it, unless the follow is exact. */
  async #removeTree(entry: Existing, at: NamePlace, path: string): Promise<boolean> {
    const { hands, record, isExact, job } = this.#ground.parts;
    job.checkCancelled();
    let isEmpty = true;
    if (entry.kind === 'directory') {
      for await (const { name } of this.#entriesOf(entry.ino)) {
        const place = { parent: entry.ino, name };
        const inner = await this.#ground.existingAt(place);
        if (inner === undefined) continue;
        const isOwn = inner.known !== undefined || isExact;
        if (!isOwn || !(await this.#removeTree(inner, place, pathIn(path, name)))) isEmpty = false;
      }
    }
    if (isEmpty) await hands.remove(entry.ino, at, entry.kind, path);
    if (!this.#ground.isDry && (entry.linkCount <= 1 || entry.kind === 'directory')) record.drop(entry.ino);
    await this.#ground.settleIfMuch();
    return isEmpty;
  }

  async #statOf(ino: number): Promise<Existing | undefined> {
    try {
      return { ...(await this.#ground.parts.volume.query((files) => files.stat(ino))), known: undefined };
    } catch (fault) {
      if (isFault(fault, 'not-found')) return undefined;
      throw fault;
    }
  }

  #folderMoved(from: string, to: string): void {
    this.#scan.gone.folderMoved(from, to);
    for (const [ino, path] of this.#touched) {
      if (path === from || path.startsWith(`${from}/`)) this.#touched.set(ino, `${to}${path.slice(from.length)}`);
    }
  }

  /** Notes that the entries of a folder have changed; the path is that of one of them. */
  #touch(ino: number, path: string): void {
    if (!this.#ground.isDry && ino !== notMade) this.#touched.set(ino, splitRelative(path).folder);
  }
}
