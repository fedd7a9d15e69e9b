import type { Attributes } from '../../files/index.ts';
import type { Capacity, NamedState, ServedStates } from '../served-files.ts';
import { type DavReply, type DavRequest, emptyReply } from './exchange.ts';
import { pageEntries } from './limits.ts';
import { depthOf, encoded, questionOf, responseOf } from './propfind.ts';
import { DavRefusal } from './refusal.ts';
import { snapshotsName } from './scene.ts';
import { xmlOf } from './xml-body.ts';
import { davDocumentEnd, davDocumentStart } from './xml-writer.ts';

/** Folders that no volume has: the root of the host, with the shares in it, and that of a share's snapshots. */
const madeFolder: Attributes = {
  ino: 0,
  kind: 'directory',
  mode: 0o555,
  linkCount: 2,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  allocatedBytes: 0,
  modifiedNs: 0n,
  changedNs: 0n,
  accessedNs: 0n,
  createdNs: 0n,
  generation: 0,
};

const noRoom: Capacity = { blockSizeBytes: 4096, blockCount: 0, freeBlockCount: 0, inodeCount: 0 };

interface MadeEntry {
  readonly share: string;
  readonly names: readonly string[];
  readonly timeNs: bigint;
}

async function answerMade(request: DavRequest, self: MadeEntry, pages: () => AsyncIterable<readonly MadeEntry[]>): Promise<DavReply> {
  if (request.method === 'HEAD') return emptyReply(200);
  if (request.method !== 'PROPFIND') {
    const isRead = request.method === 'GET';
    throw new DavRefusal(isRead ? 405 : 403, 'This folder is made by the server, and is only listed. Name what is in it.', { code: 'volume-read-only', headers: { allow: 'OPTIONS, HEAD, PROPFIND' } });
  }
  const depth = depthOf(request.headers.depth);
  const question = questionOf(await xmlOf(request.body));
  const response = ({ share, names, timeNs }: MadeEntry): string => {
    const attributes = { ...madeFolder, modifiedNs: timeNs, createdNs: timeNs };
    return responseOf(question, { share, names, attributes, capacity: () => noRoom, locks: undefined }, []);
  };
  const texts = async function* (): AsyncGenerator<string, void, void> {
    yield `${davDocumentStart('multistatus')}\n${response(self)}`;
    if (depth === 1) for await (const page of pages()) yield page.map(response).join('');
    yield davDocumentEnd('multistatus');
  };
  return { status: 207, headers: { 'content-type': 'application/xml; charset=utf-8' }, body: encoded(texts()) };
}

function timeOf(wallMs: number): bigint {
  return BigInt(Math.floor(wallMs)) * 1_000_000n;
}

/** The folder of a share in which each snapshot is a folder. */
export function answerSnapshots(request: DavRequest, share: string, states: ServedStates): Promise<DavReply> {
  const entry = (names: readonly string[], wallMs: number): MadeEntry => ({ share, names: [snapshotsName, ...names], timeNs: timeOf(wallMs) });
  return answerMade(request, entry([], 0), async function* () {
    for (let after = 0; ; ) {
      const page: readonly NamedState[] = await states.listSnapshots({ after, limit: pageEntries });
      yield page.map(({ name, wallMs }) => entry([name], wallMs));
      const last = page.at(-1);
      if (last === undefined || page.length < pageEntries) return;
      after = last.cp;
    }
  });
}

/** The root of the host: the shares that whoever asks may read. */
export function answerRoot(request: DavRequest, shares: readonly string[]): Promise<DavReply> {
  const root: MadeEntry = { share: '', names: [], timeNs: 0n };
  return answerMade(request, root, async function* () {
    yield shares.map((share) => ({ share, names: [], timeNs: 0n }));
  });
}
