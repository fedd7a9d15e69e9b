import { formatPlace, type ListedEntry, type RestoreSource, sourceWords } from '../contract/index.ts';
import { type Placement, placeTogether, topPaths } from '../restore/index.ts';
import type { Engine } from './engine.ts';
import { checkWhole, type ExportSource, piecesOf } from './export-source.ts';
import type { JobSubject } from './job-board.ts';
import { openStillSource } from './restore.ts';
import type { EngineSession } from './session.ts';
import { measureSource, type SourceEntry, type SourceTotal, walkSource } from './source-walk.ts';

/** An entry of a download, under the name that it has there. */
export interface DownloadEntry {
  /** With slashes between folders; without one at its end. */
  readonly name: string;
  readonly entry: ListedEntry;
}

interface Top extends SourceEntry {
  readonly name: string | undefined;
}

/**
 * Files of one state of a volume that somebody fetches: one as it is, or a
 * folder or several things together. The state is held until it is disposed of.
 */
export class Download implements AsyncDisposable {
  /** What jobs say of it. */
  readonly about: JobSubject;
  readonly #source: ExportSource;
  readonly #from: RestoreSource;
  readonly #tops: readonly Top[];

  private constructor(source: ExportSource, from: RestoreSource, tops: readonly Top[]) {
    const { peer, volume } = from;
    this.about = { kind: 'download', subject: sourceWords(from), ...(peer === undefined && { volume }) };
    this.#source = source;
    this.#from = from;
    this.#tops = tops;
  }

  /** Throws the faults of opening, and of the first path that is not there. */
  static async open(context: { engine: Engine; session: EngineSession }, from: RestoreSource): Promise<Download> {
    await using opening = new AsyncDisposableStack();
    const source = opening.use(await openStillSource(context, from));
    const placements = placeTogether(topPaths(from.paths), 'numbered');
    const tops = await topsOf(source, placements);
    opening.move();
    return new Download(source, from, tops);
  }

  /** What it is called, without an ending that says how it is packed. */
  get name(): string {
    const [only, ...more] = this.#tops;
    if (only?.name !== undefined && more.length === 0) return only.name;
    const { volume, at } = this.#from;
    return formatPlace({ volume, at, path: '/' }).replace(/:\/$/, '');
  }

  /** The only file; undefined when there is more, or something else. */
  get file(): ListedEntry | undefined {
    const [only, ...more] = this.#tops;
    return more.length === 0 && only?.entry.kind === 'file' ? only.entry : undefined;
  }

  /** Everything, each folder before what is in it. */
  async *entries(): AsyncGenerator<DownloadEntry, void, void> {
    for (const top of this.#tops) {
      for await (const { path, entry } of walkSource(this.#source, top)) {
        const below = top.path === '/' ? path.slice(1) : path.slice(top.path.length + 1);
        const name = [top.name, below].filter((part) => part !== undefined && part !== '').join('/');
        if (name !== '') yield { name, entry };
      }
    }
  }

  /** The content of a file in pieces, each the caller's until the next is asked for. Throws `source-changed` for one that is cut off. */
  async *content(name: string, entry: ListedEntry, range?: { startBytes: number; endBytes: number }): AsyncGenerator<Uint8Array, void, void> {
    const { startBytes, endBytes } = range ?? { startBytes: 0, endBytes: entry.sizeBytes };
    let bytes = startBytes;
    for await (const piece of piecesOf(this.#source, entry, { startBytes, endBytes })) {
      bytes += piece.length;
      yield piece;
    }
    await checkWhole(this.#source, entry, { path: name, bytes: bytes + entry.sizeBytes - endBytes });
  }

  /** Counts what there is, as long as that is wanted. */
  measure(isWanted: () => boolean): Promise<SourceTotal | undefined> {
    return measureSource(this.#source, this.#tops, isWanted);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#source[Symbol.asyncDispose]());
  }
}

async function topsOf(source: ExportSource, placements: readonly Placement[]): Promise<Top[]> {
  const tops: Top[] = [];
  for (const { path, name } of placements) tops.push({ path, name, entry: await source.entryAt(path) });
  return tops;
}
