import { MirrorpointError } from '../base/index.ts';
import { type CopyResult, type Difference, splitPath } from '../contract/index.ts';
import { changeBlocks } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import { CompareJob } from './compare-job.ts';
import { ExportJob } from './export-job.ts';
import { sourceOfRoot } from './export-source.ts';
import { ImportJob } from './import-job.ts';
import { makeDurable } from './durable.ts';
import { pending } from './pending-procedures.ts';
import { procedures } from './procedures.ts';
import { attributesForContract, inodeAt } from './readable-root.ts';
import { removePath } from './remove-job.ts';
import { makeFolder } from './make-folder.ts';
import { listFolder, onRoot, openRead, readOpen, statPath } from './root-reading.ts';
import { checkAbsolute } from './volume-opening.ts';

/** What a copy counts. */
export type CopyCounts = Omit<CopyResult, 'type' | 'durationMs' | 'problemCount'>;

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

const { files: os } = procedures;

export const fileProcedures = {
  list: os.list.handler(({ input, context: { engine } }) => listFolder(engine, input)),

  stat: os.stat.handler(({ input, context: { engine } }) => statPath(engine, input)),

  openRead: os.openRead.handler(({ input, context }) => openRead(context, input)),

  read: os.read.handler(({ input, context }) => readOpen(context, input)),

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
        new ExportJob({ source: sourceOfRoot(root), tree, job, overwrite: input.overwrite }).run(input.path, input.local),
      );
    }),
  ),

  beginWrite: os.beginWrite.handler(pending),
  write: os.write.handler(pending),
  endWrite: os.endWrite.handler(pending),
  abandonWrite: os.abandonWrite.handler(pending),

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
