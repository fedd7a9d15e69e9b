import type { ListedEntry, RootChoice } from '../contract/index.ts';
import { MirrorpointError } from '../base/index.ts';
import { peerAnswers, type PeerClient } from '../contract/index.ts';
import { checkedAnswer } from './peer-clients.ts';
import { attributesForContract, inodeAt, isUnchanged, type ReadableRoot } from './readable-root.ts';

/** One state of a volume, from which files are taken out: here, or on a paired server. */
export interface ExportSource {
  /** Whether it is the live state, which changes meanwhile. */
  readonly isLive: boolean;
  entryAt(path: string): Promise<ListedEntry>;
  /** Sorted by name, those behind `after`. */
  page(folder: number, options: { after: string | undefined; limit: number }): Promise<ListedEntry[]>;
  /** Reads content into the target; resolves to the bytes read, fewer at the end of the file. */
  readInto(ino: number, offsetBytes: number, target: Uint8Array): Promise<number>;
  /** Whether the file is still the one that it was. */
  isUnchanged(entry: ListedEntry): Promise<boolean>;
}

/** The root stays the caller's to close. */
export function sourceOfRoot(root: ReadableRoot): ExportSource {
  return {
    isLive: root.cp === 0,
    entryAt: (path) => root.query((files) => ({ name: '', ...attributesForContract(files, inodeAt(files, path)) })),
    page: (folder, { after, limit }) =>
      root.query((files) => files.readDirectory(folder, after, limit).map(({ name, ino }) => ({ name, ...attributesForContract(files, ino) }))),
    readInto: (ino, offsetBytes, target) => root.readInto(ino, offsetBytes, target),
    isUnchanged: (entry) => root.query((files) => isUnchanged(files, entry)),
  };
}

/** A kept state on a paired server, pinned there until the work is done; what is live there is read at its last CP. */
export async function withPeerSource<T>(
  client: PeerClient,
  state: { volume: string; at: RootChoice },
  use: (source: ExportSource) => Promise<T>,
): Promise<T> {
  const { volume, at } = state;
  const { rootId } = checkedAnswer(peerAnswers.openRoot, await client.roots.open({ volume, at: at === 'live' ? 'last' : at }));
  try {
    return await use({
      isLive: false,
      entryAt: async (path) => checkedAnswer(peerAnswers.rootEntry, await client.roots.entry({ rootId, path })),
      page: async (ino, { after, limit }) => {
        const question = { rootId, ino, limit, ...(after !== undefined && { after }) };
        return checkedAnswer(peerAnswers.rootPage, await client.roots.page(question)).entries.map(checkName);
      },
      readInto: async (ino, offsetBytes, target) => {
        const blob = checkedAnswer(peerAnswers.read, await client.roots.read({ rootId, ino, offsetBytes, lengthBytes: target.length }));
        const bytes = new Uint8Array(await blob.arrayBuffer());
        if (bytes.length > target.length) throw new MirrorpointError('message-invalid', `The paired server answered ${bytes.length} bytes where ${target.length} were asked.`);
        target.set(bytes);
        return bytes.length;
      },
      isUnchanged: async () => true,
    });
  } finally {
    // When the link has ended, so has the root.
    await client.roots.close({ rootId }).catch(() => undefined);
  }
}

/** A name becomes part of a path here, whoever made it up. */
function checkName(entry: ListedEntry): ListedEntry {
  const { name } = entry;
  if (name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)) return entry;
  throw new MirrorpointError('name-invalid', `The paired server named a file '${name}', which cannot be a name. Nothing more was taken out of that folder.`);
}
