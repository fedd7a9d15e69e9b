import { MirrorpointError } from '../base/index.ts';
import { type LocalReader, type LocalStat, type LocalTree, wholeFileBytesMax, type WholeRead } from './local-tree.ts';

/** Bytes of a larger file in one piece. */
const pieceBytes = 1 << 20;

/** How often a file that changes while it is read is read again at once. */
export const readAttemptsMax = 3;

function isUntouched(before: LocalStat, after: LocalStat): boolean {
  return (
    before.identity === after.identity &&
    before.kind === after.kind &&
    before.sizeBytes === after.sizeBytes &&
    before.modifiedNs === after.modifiedNs
  );
}

function changed(local: string): MirrorpointError {
  return new MirrorpointError(
    'source-changed',
    `${local} was left out: it changed while it was read. Try again when nothing writes to it.`,
  );
}

/** Reads a small file whole, as it was at one moment. Throws `source-changed` when it does not hold still. */
export async function readSource(tree: LocalTree, local: string, known: LocalStat, attemptsMax = readAttemptsMax): Promise<WholeRead> {
  let before = known;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    if (before.sizeBytes > wholeFileBytesMax || before.kind !== 'file') break;
    const read = await tree.readWhole(local, before.sizeBytes);
    const { stat: after, bytes } = read;
    if (bytes.length === before.sizeBytes && isUntouched(before, after)) return read;
    read[Symbol.dispose]();
    before = after;
  }
  throw changed(local);
}

async function readPiece(reader: LocalReader, offsetBytes: number, target: Uint8Array): Promise<Uint8Array> {
  const gotBytes = await reader.readInto(offsetBytes, target);
  return target.subarray(0, gotBytes);
}

/**
 * Hands a large file on in pieces, the next being read while one is written.
 * The piece is the caller's until its promise resolves. Throws `source-changed`
 * when the file was not the same at the end as at the beginning.
 */
export async function streamSource(
  tree: LocalTree,
  local: string,
  take: (offsetBytes: number, bytes: Uint8Array) => Promise<void>,
): Promise<LocalStat> {
  await using reader = await tree.openRead(local);
  const before = await reader.stat();
  if (before.kind !== 'file') throw changed(local);
  // What is added behind the size that was found is not followed: a log may grow for ever.
  const pieceAt = (offsetBytes: number, buffer: Uint8Array): Promise<Uint8Array> =>
    readPiece(reader, offsetBytes, buffer.subarray(0, Math.min(pieceBytes, before.sizeBytes - offsetBytes)));
  let offsetBytes = 0;
  let buffer: Uint8Array = Buffer.allocUnsafe(pieceBytes);
  let spare: Uint8Array = Buffer.allocUnsafe(pieceBytes);
  let next = pieceAt(0, buffer);
  try {
    while (offsetBytes < before.sizeBytes) {
      const bytes = await next;
      if (bytes.length === 0) break;
      next = pieceAt(offsetBytes + bytes.length, spare);
      // Its fault is taken up when its turn comes, which may be after that of the piece being written.
      next.catch(() => undefined);
      await take(offsetBytes, bytes);
      [buffer, spare] = [spare, buffer];
      offsetBytes += bytes.length;
    }
  } finally {
    // The file must not be closed under a read.
    await next.catch(() => undefined);
  }
  const after = await reader.stat();
  if (offsetBytes !== before.sizeBytes || !isUntouched(before, after)) throw changed(local);
  return after;
}
