import { MirrorpointError } from '../base/index.ts';
import { copiedWords, peerAnswers, type PeerClient, sourceWords } from '../contract/index.ts';
import { openPeerSource } from './export-source.ts';
import type { CopyCounts } from './file-procedures.ts';
import { checkedAnswer, type PeerChoice } from './peer-clients.ts';
import { type ProcedureContext, procedures } from './procedures.ts';
import { takeOut } from './take-out.ts';
import { checkAbsolute } from './volume-opening.ts';

const { remote: os } = procedures;

/** Who is asked, and what. */
async function split<T extends PeerChoice>({ engine, session }: ProcedureContext, input: T): Promise<[PeerClient, Omit<T, keyof PeerChoice>]> {
  const { peer, address, ...question } = input;
  return [await engine.peerClients.of(session, { peer, address }), question];
}

/** What paired servers are asked through this one. Their answers are looked at before they go on. */
export const remoteProcedures = {
  server: {
    about: os.server.about.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.about, await client.server.about(question));
    }),
  },
  files: {
    list: os.files.list.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.list, await client.files.list(question));
    }),
    stat: os.files.stat.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.stat, await client.files.stat(question));
    }),
    openRead: os.files.openRead.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.openRead, await client.files.openRead(question));
    }),
    read: os.files.read.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      const blob = checkedAnswer(peerAnswers.read, await client.files.read(question));
      if (blob.size <= input.lengthBytes) return blob;
      throw new MirrorpointError('message-invalid', `The paired server answered ${blob.size} bytes where ${input.lengthBytes} were asked. Run the same version on both servers.`);
    }),
    closeRead: os.files.closeRead.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.closeRead, await client.files.closeRead(question));
    }),
    get: os.files.get.handler(({ input, context }) =>
      context.engine.jobs.run<never, CopyCounts>(
        { kind: 'get', subject: `${sourceWords({ ...input, paths: [input.path] })} to ${input.local}` },
        async (job) => {
          checkAbsolute(input.local);
          const [client, place] = await split(context, input);
          await using source = await openPeerSource(client, place);
          return await takeOut(source, place, { tree: context.engine.ports.localTree, job });
        },
        (copied) => `Took out ${copiedWords(copied)}.`,
      ),
    ),
  },
  snapshots: {
    list: os.snapshots.list.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.listSnapshots, await client.snapshots.list(question));
    }),
  },
  explore: {
    versions: os.explore.versions.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.versions, await client.explore.versions(question));
    }),
    deleted: os.explore.deleted.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.deleted, await client.explore.deleted(question));
    }),
    search: os.explore.search.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.search, await client.explore.search(question));
    }),
    differences: os.explore.differences.handler(async ({ input, context }) => {
      const [client, question] = await split(context, input);
      return checkedAnswer(peerAnswers.differences, await client.explore.differences(question));
    }),
  },
};
