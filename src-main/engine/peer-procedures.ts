import { implement } from '@orpc/server';
import { MirrorpointError } from '../base/index.ts';
import { peerContract, peerPageMax } from '../contract/index.ts';
import { sourceOfRoot } from './export-source.ts';
import { deletedFrom, differencesBetween, searchIn, versionsOf } from './exploring.ts';
import { type ProcedureContext, withCodedFaults } from './procedures.ts';
import { listFolder, listSnapshots, openRead, readOpen, readPart, statPath } from './root-reading.ts';

/** What a question of a paired server is answered with: its proven identity, besides what every procedure has. */
export interface PeerContext extends ProcedureContext {
  readonly peer: string;
}

const os = implement(peerContract)
  .$context<PeerContext>()
  .use(({ context, next }) => withCodedFaults(context.engine, async () => next()));

/** Refuses a volume that is not related to the one who asks, in the same words whether it exists or not. */
function requireShared({ engine, peer }: PeerContext, volume: string): void {
  const shared = engine.volumesSharedWith(peer);
  if (shared.has(volume)) return;
  const known = shared.size === 0 ? 'there are none' : `there are: ${[...shared].join(', ')}`;
  throw new MirrorpointError('volume-not-found', `The server '${engine.book.current.serverName}' shares no volume '${volume}' with this one; ${known}. Name one of those.`);
}

/** The answers to a paired server's questions. Nothing here changes anything, and each looks at what is shared at that moment. */
export const peerRouter = os.router({
  server: {
    about: os.server.about.handler(({ context: { engine, peer } }) => {
      const shared = engine.volumesSharedWith(peer);
      const { serverName, version, wallMs, volumes, relationships } = engine.status();
      return {
        serverName,
        version,
        wallMs,
        volumes: volumes.filter(({ name }) => shared.has(name)),
        relationships: relationships.filter(({ volume, peerIdentity }) => shared.has(volume) && peerIdentity === peer),
      };
    }),
  },
  files: {
    list: os.files.list.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return listFolder(context.engine, { ...input, limit: Math.min(input.limit, peerPageMax) });
    }),
    stat: os.files.stat.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return statPath(context.engine, input);
    }),
    openRead: os.files.openRead.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return openRead(context, input);
    }),
    // What was opened stays readable as long as the link, which a revocation cuts.
    read: os.files.read.handler(({ input, context }) => readOpen(context, input)),
    closeRead: os.files.closeRead.handler(async ({ input, context: { session } }) => {
      await session.drop(input.readId);
      return {};
    }),
  },
  explore: {
    versions: os.explore.versions.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return versionsOf(context.engine, input);
    }),
    deleted: os.explore.deleted.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return deletedFrom(context.engine, input);
    }),
    search: os.explore.search.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return searchIn(context.engine, input);
    }),
    differences: os.explore.differences.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return differencesBetween(context.engine, input);
    }),
  },
  roots: {
    open: os.roots.open.handler(async ({ input, context }) => {
      requireShared(context, input.volume);
      const root = await context.engine.openRoot(input.volume, input.at);
      const { cp } = root;
      return { rootId: await context.session.keep({ root, ino: 0 }), cp };
    }),
    entry: os.roots.entry.handler(({ input, context: { session } }) => sourceOfRoot(session.read(input.rootId).root).entryAt(input.path)),
    page: os.roots.page.handler(async ({ input: { rootId, ino, after, limit }, context: { session } }) => ({
      entries: await sourceOfRoot(session.read(rootId).root).page(ino, { after, limit }),
    })),
    read: os.roots.read.handler(({ input: { rootId, ino, offsetBytes, lengthBytes }, context: { session } }) =>
      readPart(session.read(rootId).root, ino, { offsetBytes, lengthBytes }),
    ),
    extended: os.roots.extended.handler(async ({ input: { rootId, ino, after }, context: { session } }) => {
      const attributes = await sourceOfRoot(session.read(rootId).root).extended(ino, after);
      return { attributes: attributes.map(({ name, value }) => ({ name, valueBase64: Buffer.from(value).toString('base64') })) };
    }),
    close: os.roots.close.handler(async ({ input, context: { session } }) => {
      await session.drop(input.rootId);
      return {};
    }),
  },
  snapshots: {
    list: os.snapshots.list.handler(({ input, context }) => {
      requireShared(context, input.volume);
      return listSnapshots(context.engine, { ...input, limit: Math.min(input.limit, peerPageMax) });
    }),
  },
});
