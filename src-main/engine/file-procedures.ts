import { MirrorpointError } from '../base/index.ts';
import { type CopyResult, type Difference, type ListedEntry, type Place, splitPath } from '../contract/index.ts';
import { changeBlocks, type FileReader } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import { CompareJob } from './compare-job.ts';
import type { Engine } from './engine.ts';
import { ExportJob } from './export-job.ts';
import { ImportJob } from './import-job.ts';
import { makeDurable } from './durable.ts';
import { procedures } from './procedures.ts';
import { attributesForContract, inodeAt, notAFile, type ReadableRoot } from './readable-root.ts';
import { removePath } from './remove-job.ts';
import { makeFolder } from './make-folder.ts';
import { checkAbsolute } from './volume-opening.ts';

type CopyCounts = Omit<CopyResult, 'type' | 'durationMs' | 'problemCount'>;

/** Runs an operation on a state of a volume. */
async function onRoot<T>(engine: Engine, place: Place, use: (root: ReadableRoot) => Promise<T>): Promise<T> {
  await using root = await engine.openRoot(place.volume, place.at);
  return await use(root);
}

async function listPage(
  root: ReadableRoot,
  options: { path: string; after?: string | undefined; limit: number },
): Promise<{ entries: ListedEntry[]; more: boolean }> {
  const { path, after, limit } = options;
  return root.query((files) => {
    const folder = inodeAt(files, path, { follow: true });
    const page = files.readDirectory(folder, after, limit + 1);
    const entries = page.slice(0, limit).map(({ name, ino }) => ({ name, ...attributesForContract(files, ino) }));
    return { entries, more: page.length > limit };
  });
}

async function move(volume: Volume, request: { from: string; to: string; replace: boolean }): Promise<void> {
  const [from, to] = [splitPath(request.from), splitPath(request.to)];
  if (from === undefined || to === undefined) {
    throw new MirrorpointError('not-permitted', 'The root of a volume cannot be moved or replaced. Name what is in it.');
  }
  await volume.change(changeBlocks.rename, (files) => {
    // A fault of this names the path; a directory knows the inode numbers of its entries alone.
    inodeAt(files, request.from);
    const source = { parent: inodeAt(files, from.folder, { follow: true }), name: from.name };
    const target = { parent: inodeAt(files, to.folder, { follow: true }), name: to.name };
    files.rename(source, target, { noReplace: !request.replace });
  });
  await volume.sync();
}

function fileAt(files: FileReader, path: string): number {
  const { ino, kind } = files.stat(inodeAt(files, path, { follow: true }));
  if (kind !== 'file') throw notAFile(path, kind);
  return ino;
}

const { files: os } = procedures;

export const fileProcedures = {
  list: os.list.handler(({ input, context: { engine } }) => onRoot(engine, input, (root) => listPage(root, input))),

  stat: os.stat.handler(({ input, context: { engine } }) =>
    onRoot(engine, input, (root) =>
      root.query((files) => attributesForContract(files, inodeAt(files, input.path, { follow: input.follow }))),
    ),
  ),

  openRead: os.openRead.handler(async ({ input, context: { engine, session } }) => {
    const root = await engine.openRoot(input.volume, input.at);
    try {
      const ino = await root.keep((files) => fileAt(files, input.path));
      const { sizeBytes } = await root.query((files) => files.stat(ino));
      return { readId: await session.keep({ root, ino }), sizeBytes, cp: root.cp };
    } catch (fault) {
      await root.close();
      throw fault;
    }
  }),

  read: os.read.handler(async ({ input, context: { session } }) => {
    const { root, ino } = session.read(input.readId);
    const target = new Uint8Array(input.lengthBytes);
    const gotBytes = await root.readInto(ino, input.offsetBytes, target);
    return new Blob([target.subarray(0, gotBytes)]);
  }),

  closeRead: os.closeRead.handler(async ({ input, context: { session } }) => {
    await session.drop(input.readId);
    return {};
  }),

  makeDirectory: os.makeDirectory.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    const ino = await makeFolder(volume, input);
    await volume.sync();
    return volume.query((files) => attributesForContract(files, ino));
  }),

  move: os.move.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    await move(volume, input);
    return {};
  }),

  remove: os.remove.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, { entries: number }>(async (job) => {
      const { volume } = await engine.shelf.primary(input.volume);
      const result = await removePath(volume, job, input);
      await makeDurable(volume);
      return result;
    }),
  ),

  put: os.put.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, CopyCounts>(async (job) => {
      checkAbsolute(input.local);
      const { volume, temporaryNames: names } = await engine.shelf.primary(input.volume);
      const result = await new ImportJob({ volume, names, tree: engine.ports.localTree, job }).run(input.local, input.path);
      await makeDurable(volume);
      return result;
    }),
  ),

  get: os.get.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, CopyCounts>(async (job) => {
      checkAbsolute(input.local);
      const { localTree: tree } = engine.ports;
      return onRoot(engine, input, (root) =>
        new ExportJob({ root, tree, job, overwrite: input.overwrite }).run(input.path, input.local),
      );
    }),
  ),

  compare: os.compare.handler(({ input, context: { engine } }) =>
    engine.jobs.run<Difference, CompareJob['counts'] & { cp: number }>(async (job) => {
      checkAbsolute(input.local);
      const { localTree: tree } = engine.ports;
      return onRoot(engine, input, async (root) => {
        const compare = new CompareJob({ root, tree, job, metadata: input.metadata });
        return { ...(await compare.run(input.local, input.path)), cp: root.cp };
      });
    }),
  ),
};
