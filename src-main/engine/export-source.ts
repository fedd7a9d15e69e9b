import type { ListedEntry, RootChoice } from '../contract/index.ts';
import { MirrorpointError } from '../base/index.ts';
import { extendedPageMax, peerAnswers, type PeerClient, readChunkBytesMax } from '../contract/index.ts';
import { checkedAnswer } from './peer-clients.ts';
import { attributesForContract, type ExtendedAttribute, extendedOf, inodeAt, isUnchanged, type ReadableRoot } from './readable-root.ts';

/**
 * One state of a volume, from which files are taken out: here, or on a paired
 * server. Whatever is read was proven against the tree's checksums where it
 * lies; from there on TLS sees to it that it arrives as it was sent, by the
 * server whose certificate is pinned.
 */
export interface ExportSource extends AsyncDisposable {
  /** Whether it is the live state, which changes meanwhile. */
  readonly isLive: boolean;
  entryAt(path: string): Promise<ListedEntry>;
  /** Sorted by name, those behind `after`. */
  page(folder: number, options: { after: string | undefined; limit: number }): Promise<ListedEntry[]>;
  /** Reads content into the target; resolves to the bytes read, fewer at the end of the file. */
  readInto(ino: number, offsetBytes: number, target: Uint8Array): Promise<number>;
  /** A page of extended attributes, in the order of their names, behind `after`; fewer than `extendedPageMax` at the end. */
  extended(ino: number, after: string | undefined): Promise<ExtendedAttribute[]>;
  /** Whether the file is still the one that it was. */
  isUnchanged(entry: ListedEntry): Promise<boolean>;
}

/** The source owns the root. */
export function sourceOfRoot(root: ReadableRoot): ExportSource {
  return {
    isLive: root.cp === 0,
    entryAt: (path) => root.query((files) => ({ name: '', ...attributesForContract(files, inodeAt(files, path)) })),
    page: (folder, { after, limit }) =>
      root.query((files) => files.readDirectoryAhead(folder, after, limit).map(({ name, ino }) => ({ name, ...attributesForContract(files, ino) }))),
    readInto: (ino, offsetBytes, target) => root.readInto(ino, offsetBytes, target),
    extended: (ino, after) => root.query((files) => extendedOf(files, ino, { after, limit: extendedPageMax })),
    isUnchanged: (entry) => root.query((files) => isUnchanged(files, entry)),
    [Symbol.asyncDispose]: () => root.close(),
  };
}

/** A kept state on a paired server, pinned there until it is let go; what is live there is read at its last CP. */
export async function openPeerSource(client: PeerClient, state: { volume: string; at: RootChoice }): Promise<ExportSource> {
  const { volume, at } = state;
  const { rootId } = checkedAnswer(peerAnswers.openRoot, await client.roots.open({ volume, at: at === 'live' ? 'last' : at }));
  return {
    isLive: false,
    entryAt: async (path) => checkedAnswer(peerAnswers.rootEntry, await client.roots.entry({ rootId, path })),
    page: async (ino, { after, limit }) => {
      const question = { rootId, ino, limit, ...(after !== undefined && { after }) };
      const { entries } = checkedAnswer(peerAnswers.rootPage, await client.roots.page(question));
      for (const entry of entries) checkName(entry);
      checkRising(entries, after);
      return entries;
    },
    readInto: async (ino, offsetBytes, target) => {
      const blob = checkedAnswer(peerAnswers.read, await client.roots.read({ rootId, ino, offsetBytes, lengthBytes: target.length }));
      const bytes = new Uint8Array(await blob.arrayBuffer());
      if (bytes.length > target.length) throw new MirrorpointError('message-invalid', `The paired server answered ${bytes.length} bytes where ${target.length} were asked.`);
      target.set(bytes);
      return bytes.length;
    },
    extended: async (ino, after) => {
      const answer = await client.roots.extended({ rootId, ino, ...(after !== undefined && { after }) });
      const { attributes } = checkedAnswer(peerAnswers.extended, answer);
      return attributes.map(({ name, valueBase64 }) => ({ name, value: Buffer.from(valueBase64, 'base64') }));
    },
    isUnchanged: async () => true,
    async [Symbol.asyncDispose]() {
      // When the link has ended, so has the root.
      await client.roots.close({ rootId }).catch(() => undefined);
    },
  };
}

/** Bytes of a file in one piece. */
export const pieceBytes = readChunkBytesMax;

/** Of one file in memory at once: one is with whoever takes them, the others are being read. */
export const piecesAtOnce = 4;

/**
 * A part of a file in pieces, the next ones being read while one is with the
 * caller, who has it until the next is asked for. Fewer bytes than the entry
 * says are there only where the file is no longer what it was.
 */
export async function* piecesOf(source: ExportSource, entry: Pick<ListedEntry, 'ino'>, range: { startBytes: number; endBytes: number }): AsyncGenerator<Uint8Array, void, void> {
  const { startBytes, endBytes } = range;
  const underWay: { target: Uint8Array; reading: Promise<number> }[] = [];
  let nextBytes = startBytes;
  const readOn = (buffer: Uint8Array): void => {
    const target = buffer.subarray(0, endBytes - nextBytes);
    const reading = source.readInto(entry.ino, nextBytes, target);
    // Its fault is taken up when its turn comes.
    reading.catch(() => undefined);
    underWay.push({ target, reading });
    nextBytes += target.length;
  };
  while (nextBytes < endBytes && underWay.length < piecesAtOnce) readOn(Buffer.allocUnsafe(Math.min(pieceBytes, endBytes - nextBytes)));
  try {
    for (let first = underWay[0]; first !== undefined; first = underWay[0]) {
      const gotBytes = await first.reading;
      if (gotBytes > 0) yield first.target.subarray(0, gotBytes);
      if (gotBytes < first.target.length) return;
      underWay.shift();
      if (nextBytes < endBytes) readOn(first.target);
    }
  } finally {
    // The source must not be let go under a read.
    await Promise.allSettled(underWay.map(({ reading }) => reading));
  }
}

/** Throws `source-changed` unless what was read is the file as it was listed. */
export async function checkWhole(source: ExportSource, entry: ListedEntry, read: { path: string; bytes: number }): Promise<void> {
  const { path, bytes } = read;
  if (source.isLive && !(await source.isUnchanged(entry))) {
    throw new MirrorpointError('source-changed', `${path} was left out: the file in the volume changed while it was read. Try again, or take it out of a snapshot.`);
  }
  if (bytes === entry.sizeBytes) return;
  throw new MirrorpointError('source-changed', `${path} was left out: ${bytes} of its ${entry.sizeBytes} bytes could be read. Look at the volume by \`mirrorpoint volume check\`.`);
}

/** Every extended attribute of an entry. */
export async function* extendedAttributes(source: ExportSource, entry: ListedEntry): AsyncGenerator<ExtendedAttribute, void, void> {
  if (entry.hasExtended !== true) return;
  let after: string | undefined;
  for (;;) {
    const page = await source.extended(entry.ino, after);
    checkRising(page, after);
    yield* page;
    if (page.length < extendedPageMax) return;
    after = page.at(-1)?.name;
  }
}

/** A paired server that goes round in a circle is not followed. */
function checkRising(page: readonly { name: string }[], after: string | undefined): void {
  let last = after;
  for (const { name } of page) {
    if (last !== undefined && Buffer.compare(Buffer.from(name), Buffer.from(last)) <= 0) {
      throw new MirrorpointError('message-invalid', `The paired server named '${name}' behind '${last}', which is not their order. Run the same version on both servers.`);
    }
    last = name;
  }
}

/** A name becomes part of a path here, whoever made it up. */
function checkName({ name }: ListedEntry): void {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)) return;
  throw new MirrorpointError('name-invalid', `The paired server named a file '${name}', which cannot be a name. Nothing more was taken out of that folder.`);
}
