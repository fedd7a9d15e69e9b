import { isFault, MirrorpointError } from '../base/index.ts';
import { copiedWords, counted, type CopyResult, type Difference, formatPlace, splitPath } from '../contract/index.ts';
import { changeBlocks } from '../files/index.ts';
import type { Volume } from '../volume/index.ts';
import { CompareJob } from './compare-job.ts';
import { sourceOfRoot } from './export-source.ts';
import { IncomingFile } from './incoming-file.ts';
import { ImportJob } from './import-job.ts';
import { makeDurable } from './durable.ts';
import { procedures } from './procedures.ts';
import { attributesForContract, inodeAt } from './readable-root.ts';
import { removePath } from './remove-job.ts';
import { makeFolder } from './make-folder.ts';
import { listFolder, onRoot, openRead, readOpen, statPath } from './root-reading.ts';
import { takeOut } from './take-out.ts';
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
    const { path, parents, mode } = input;
    const ino = await makeFolder(volume, { path, parents, attributesOf: async () => ({ mode, uid: 0, gid: 0 }) });
    await volume.sync();
    return volume.query((files) => attributesForContract(files, ino));
  }),

  move: os.move.handler(async ({ input, context: { engine } }) => {
    const { volume } = await engine.shelf.primary(input.volume);
    await move(volume, input);
    return {};
  }),

  remove: os.remove.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, { entries: number }>(
      { kind: 'remove', subject: `${input.volume}:${input.path}`, volume: input.volume },
      async (job) => {
        const { volume } = await engine.shelf.primary(input.volume);
        const result = await removePath(volume, job, input);
        await makeDurable(volume);
        return result;
      },
      ({ entries }) => `Removed ${counted(entries, 'entry', 'entries')}.`,
    ),
  ),

  put: os.put.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, CopyCounts>(
      { kind: 'put', subject: `${input.local} to ${input.volume}:${input.path}`, volume: input.volume },
      async (job) => {
        checkAbsolute(input.local);
        const { volume, temporaryNames } = await engine.shelf.primary(input.volume);
        const result = await new ImportJob({ volume, temporaryNames, tree: engine.ports.localTree, job }).run(input.local, input.path);
        await makeDurable(volume);
        return result;
      },
      (copied) => `Brought in ${copiedWords(copied)}.`,
    ),
  ),

  get: os.get.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, CopyCounts>(
      { kind: 'get', subject: `${formatPlace(input)} to ${input.local}`, volume: input.volume },
      async (job) => {
        checkAbsolute(input.local);
        return onRoot(engine, input, (root) => takeOut(sourceOfRoot(root), input, { tree: engine.ports.localTree, job }));
      },
      (copied) => `Took out ${copiedWords(copied)}.`,
    ),
  ),

  beginWrite: os.beginWrite.handler(async ({ input, context: { engine, session } }) => {
    const file = await IncomingFile.begin(await engine.shelf.primary(input.volume), input);
    return { writeId: await session.keepWrite(file), isSkipped: file.isSkipped };
  }),

  write: os.write.handler(async ({ input: { writeId, offsetBytes, content }, context: { session } }) => {
    try {
      await session.write(writeId).write(offsetBytes, content);
      return {};
    } catch (fault) {
      // After a part that was only wrong the right one may come; after any other fault nothing would.
      if (!isFault(fault, 'argument-invalid')) await session.dropWrite(writeId);
      throw fault;
    }
  }),

  endWrite: os.endWrite.handler(async ({ input: { writeId }, context: { session } }) => {
    try {
      return await session.write(writeId).end();
    } finally {
      await session.dropWrite(writeId);
    }
  }),

  abandonWrite: os.abandonWrite.handler(async ({ input, context: { session } }) => {
    await session.dropWrite(input.writeId);
    return {};
  }),

  compare: os.compare.handler(({ input, context: { engine } }) =>
    engine.jobs.run<Difference, CompareJob['counts'] & { cp: number }>(
      { kind: 'compare', subject: `${input.local} with ${formatPlace(input)}`, volume: input.volume },
      async (job) => {
        checkAbsolute(input.local);
        const { localTree: tree } = engine.ports;
        return onRoot(engine, input, async (root) => {
          const compare = new CompareJob({ root, tree, job, metadata: input.metadata });
          return { ...(await compare.run(input.local, input.path)), cp: root.cp };
        });
      },
      ({ differenceCount }) => (differenceCount === 0 ? 'No difference.' : `${counted(differenceCount, 'difference')}.`),
    ),
  ),
};
