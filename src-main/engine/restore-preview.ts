import { isFault, MirrorpointError } from '../base/index.ts';
import { childPath, type Collision, collisionsMax, type ListedEntry, peerPageMax, previewEntriesMax, type RestorePreview, type RestoreRequest } from '../contract/index.ts';
import { endsCopy, isCollision, type PlannedEntry } from '../restore/index.ts';
import type { Engine } from './engine.ts';
import type { ExportSource } from './export-source.ts';
import { openSource, placementsOf } from './restore.ts';
import { openWay, type RestoreWay } from './restore-way.ts';
import type { EngineSession } from './session.ts';

/** A folder of the source, and the one of the target that it is merged with, if that is there. */
interface SeenFolder<Folder> {
  readonly path: string;
  readonly ino: number;
  readonly at: Folder | undefined;
}

/** What a restore would do, without doing any of it; of very much only a part is looked at. */
export async function previewRestore(
  { engine, session }: { engine: Engine; session: EngineSession },
  request: Pick<RestoreRequest, 'source' | 'target'>,
  signal: AbortSignal | undefined,
): Promise<RestorePreview> {
  await using way = await openWay(engine, request.target);
  await using source = await openSource({ engine, session }, request.source);
  return await way.use((one) => new Preview(one, source, signal).run(request));
}

class Preview<Folder, Made> {
  readonly #way: RestoreWay<Folder, Made>;
  readonly #source: ExportSource;
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: SeenFolder<Folder>[] = [];
  readonly #counts = { files: 0, directories: 0, bytes: 0 };
  readonly #collisions: Collision[] = [];
  #lookedAt = 0;
  #isPart = false;

  constructor(way: RestoreWay<Folder, Made>, source: ExportSource, signal: AbortSignal | undefined) {
    this.#way = way;
    this.#source = source;
    this.#signal = signal;
  }

  async run(request: Pick<RestoreRequest, 'source' | 'target'>): Promise<RestorePreview> {
    let missing: { fault: unknown } | undefined;
    let found = 0;
    for (const placement of placementsOf(request)) {
      const { path, name } = placement;
      try {
        const entry = await this.#source.entryAt(path);
        found++;
        const at = await this.#way.findFolder(placement);
        if (name === undefined) this.#waiting.push({ path, ino: entry.ino, at });
        else await this.#look([{ ...entry, name }], at, () => path);
      } catch (fault) {
        if (endsCopy(fault)) throw fault;
        missing ??= { fault };
      }
      await this.#lookInside();
    }
    if (found === 0 && missing !== undefined) throw missing.fault;
    const freeBytes = await this.#way.target.freeBytes();
    return { ...this.#counts, isPart: this.#isPart, collisions: this.#collisions, freeBytes };
  }

  async #lookInside(): Promise<void> {
    for (let folder = this.#waiting.pop(); folder !== undefined; folder = this.#waiting.pop()) {
      const { path, ino, at } = folder;
      for (let after: string | undefined, more = true; more; ) {
        if (this.#lookedAt >= previewEntriesMax) {
          this.#isPart = true;
          return;
        }
        if (this.#signal?.aborted === true) throw new MirrorpointError('cancelled', 'Nobody waits for the preview any more.');
        const page = await this.#source.page(ino, { after, limit: peerPageMax });
        await this.#look(page, at, (name) => childPath(path, name));
        after = page.at(-1)?.name;
        more = page.length === peerPageMax;
      }
    }
  }

  async #look(entries: readonly ListedEntry[], folder: Folder | undefined, pathOf: (name: string) => string): Promise<void> {
    const { target } = this.#way;
    const existing = folder === undefined ? [] : await this.#existing(folder, entries.map(({ name }) => name));
    this.#lookedAt += entries.length;
    for (const [index, entry] of entries.entries()) {
      const path = pathOf(entry.name);
      const there = existing[index];
      if (entry.kind === 'directory') {
        const at = there?.kind === 'directory' && folder !== undefined ? target.inside({ folder, name: entry.name }, there) : undefined;
        this.#waiting.push({ path, ino: entry.ino, at });
      }
      if (there !== undefined && !isCollision(entry, there, target.timeGrainNs)) continue;
      this.#count(entry);
      if (there === undefined || folder === undefined) continue;
      if (this.#collisions.length === collisionsMax) this.#isPart = true;
      else this.#collisions.push({ path, target: target.pathOf({ folder, name: entry.name }), incoming: shown(entry), existing: shown(there) });
    }
  }

  /** What is removed while it is looked at is not there. */
  async #existing(folder: Folder, names: readonly string[]): ReturnType<RestoreWay<Folder, Made>['target']['existing']> {
    try {
      return await this.#way.target.existing(folder, names);
    } catch (fault) {
      if (isFault(fault, 'not-found')) return [];
      throw fault;
    }
  }

  #count(entry: ListedEntry): void {
    if (entry.kind === 'directory') this.#counts.directories++;
    else this.#counts.files++;
    if (entry.kind === 'file') this.#counts.bytes += entry.sizeBytes;
  }
}

/** Pipes and the like are told as files, which they stand in the way of. */
function shown({ kind, sizeBytes, modifiedNs }: PlannedEntry): Collision['existing'] {
  return { kind: kind === 'other' ? 'file' : kind, sizeBytes, modifiedNs };
}
