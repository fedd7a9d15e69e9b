import { childPath, type ListedEntry, peerPageMax } from '../contract/index.ts';
import type { ExportSource } from './export-source.ts';

/** An entry of a source, by its path there. */
export interface SourceEntry {
  readonly path: string;
  readonly entry: ListedEntry;
}

/** How much a copy has to do. */
export interface SourceTotal {
  /** Names of files and symbolic links. */
  readonly files: number;
  readonly bytes: number;
}

/** Files with several names whose bytes are counted once; of more of them each name counts. */
const linkedFilesMax = 1_000_000;

interface Level {
  readonly path: string;
  readonly ino: number;
  page: readonly ListedEntry[];
  index: number;
  isLastPage: boolean;
}

/** An entry and all below it, a folder before what is in it. Of each folder on the way one page is in memory. */
export async function* walkSource(source: ExportSource, top: SourceEntry): AsyncGenerator<SourceEntry, void, void> {
  yield top;
  const levels: Level[] = [];
  const descend = ({ path, entry }: SourceEntry): void => {
    if (entry.kind === 'directory') levels.push({ path, ino: entry.ino, page: [], index: 0, isLastPage: false });
  };
  descend(top);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const entry = level.page[level.index++];
    if (entry !== undefined) {
      const found = { path: childPath(level.path, entry.name), entry };
      yield found;
      descend(found);
    } else if (level.isLastPage) levels.pop();
    else {
      level.page = await source.page(level.ino, { after: level.page.at(-1)?.name, limit: peerPageMax });
      level.index = 0;
      level.isLastPage = level.page.length < peerPageMax;
    }
  }
}

/** Counts what there is, as long as that is wanted; undefined when it was not until the end. */
export async function measureSource(source: ExportSource, tops: readonly SourceEntry[], isWanted: () => boolean): Promise<SourceTotal | undefined> {
  const linked = new Set<number>();
  let [files, bytes] = [0, 0];
  for (const top of tops) {
    for await (const { entry } of walkSource(source, top)) {
      if (!isWanted()) return undefined;
      if (entry.kind === 'directory') continue;
      files++;
      if (entry.linkCount > 1) {
        if (linked.has(entry.ino)) continue;
        if (linked.size < linkedFilesMax) linked.add(entry.ino);
      }
      if (entry.kind === 'file') bytes += entry.sizeBytes;
    }
  }
  return { files, bytes };
}
