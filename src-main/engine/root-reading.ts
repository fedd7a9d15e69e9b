import type { FileAttributes, ListedEntry, Place } from '../contract/index.ts';
import type { FileReader } from '../files/index.ts';
import type { SetAside, SnapshotInfo } from '../volume/index.ts';
import type { Engine } from './engine.ts';
import { attributesForContract, inodeAt, notAFile, type ReadableRoot } from './readable-root.ts';
import type { EngineSession } from './session.ts';

/** Who reads: the engine, and what the caller holds open. */
interface ReadingContext {
  readonly engine: Engine;
  readonly session: EngineSession;
}

type ListedSnapshot = SnapshotInfo & { isSetAside?: boolean };

/** Snapshots that one CP can have. */
const namesOfOneCp = 256;

/** Runs an operation on a state of a volume. */
export async function onRoot<T>(engine: Engine, place: Place, use: (root: ReadableRoot) => Promise<T>): Promise<T> {
  await using root = await engine.openRoot(place.volume, place.at);
  return await use(root);
}

export function listFolder(
  engine: Engine,
  input: Place & { after?: string | undefined; limit: number },
): Promise<{ entries: ListedEntry[]; more: boolean }> {
  const { path, after, limit } = input;
  return onRoot(engine, input, (root) =>
    root.query((files) => {
      const folder = inodeAt(files, path, { follow: true });
      const page = files.readDirectoryAhead(folder, after, limit + 1);
      const entries = page.slice(0, limit).map(({ name, ino }) => ({ name, ...attributesForContract(files, ino) }));
      return { entries, more: page.length > limit };
    }),
  );
}

export function statPath(engine: Engine, input: Place & { follow: boolean }): Promise<FileAttributes> {
  return onRoot(engine, input, (root) =>
    root.query((files) => attributesForContract(files, inodeAt(files, input.path, { follow: input.follow }))),
  );
}

function fileAt(files: FileReader, path: string): number {
  const { ino, kind } = files.stat(inodeAt(files, path, { follow: true }));
  if (kind !== 'file') throw notAFile(path, kind);
  return ino;
}

/** Opens a file, which the session then holds. */
export async function openRead({ engine, session }: ReadingContext, place: Place): Promise<{ readId: string; sizeBytes: number; cp: number }> {
  const root = await engine.openRoot(place.volume, place.at);
  try {
    const ino = await root.keep((files) => fileAt(files, place.path));
    const { sizeBytes } = await root.query((files) => files.stat(ino));
    return { readId: await session.keep({ root, ino }), sizeBytes, cp: root.cp };
  } catch (fault) {
    await root.close();
    throw fault;
  }
}

export async function readOpen({ session }: ReadingContext, part: { readId: string; offsetBytes: number; lengthBytes: number }): Promise<Blob> {
  const { root, ino } = session.read(part.readId);
  return readPart(root, ino, part);
}

/** The bytes from the offset on, fewer at the end of the file. */
export async function readPart(root: ReadableRoot, ino: number, part: { offsetBytes: number; lengthBytes: number }): Promise<Blob> {
  const target = new Uint8Array(part.lengthBytes);
  const gotBytes = await root.readInto(ino, part.offsetBytes, target);
  return new Blob([target.subarray(0, gotBytes)]);
}

/** One page of snapshots. Those of one CP stay together, since a page goes on after a CP. */
export function snapshotPage<T extends SnapshotInfo>(rows: readonly T[], limit: number): { snapshots: T[]; more: boolean } {
  const beyond = rows[limit];
  if (beyond === undefined) return { snapshots: [...rows], more: false };
  const whole = rows.filter((row) => row.cp < beyond.cp);
  return { snapshots: whole.length === 0 ? rows.filter((row) => row.cp === beyond.cp) : whole, more: true };
}

export async function listSnapshots(
  engine: Engine,
  input: { volume: string; after?: number | undefined; limit: number },
): Promise<{ snapshots: SnapshotInfo[]; more: boolean }> {
  const { volume, after = 0, limit } = input;
  const open = await engine.shelf.get(volume);
  const options = { after, limit: limit + namesOfOneCp };
  if (open.role === 'primary') return snapshotPage(await open.volume.listSnapshots(options), limit);
  return snapshotPage(withSetAside(await open.mirror.listSnapshots(options), open.mirror.setAside, after), limit);
}

/** The snapshots of a mirror, and among them the state that was set aside, where its CP stands. */
function withSetAside(rows: readonly SnapshotInfo[], setAside: SetAside | undefined, after: number): SnapshotInfo[] {
  if (setAside === undefined || setAside.cp <= after) return [...rows];
  const { name, cp, wallMs } = setAside;
  const row: ListedSnapshot = { name, cp, wallMs, holds: [], isSetAside: true };
  return [...rows, row].sort((a, b) => a.cp - b.cp);
}
