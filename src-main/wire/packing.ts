import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { MirrorpointError } from '../base/index.ts';
import { blockDataBytesMax } from './limits.ts';
import type { BlocksMessage, PackedBlocksMessage } from './message.ts';
import { blocksIn, cutRuns } from './runs.ts';

/** Makes bytes fewer, and back, beside the thread that asks. */
export interface Packing {
  pack(bytes: Uint8Array): Promise<Uint8Array>;
  /** Resolves to as many bytes as said; rejects when the packed ones are not exactly so many, and never makes more. */
  unpack(packed: Uint8Array, bytes: number): Promise<Uint8Array>;
}

/** Fast rather than small: levels above the first cost more time than they save on any line that is not very slow. */
const level = 1;

/** A receiver's memory for what a frame of zstd looks back on. */
const windowLog = Math.log2(blockDataBytesMax);

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** zstd (RFC 8878). */
export const zstdPacking: Packing = {
  pack: (bytes) =>
    compress(bytes, {
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: windowLog },
      pledgedSrcSize: bytes.length,
      chunkSize: bytes.length,
    }),
  unpack: (packed, bytes) =>
    decompress(packed, { params: { [constants.ZSTD_d_windowLogMax]: windowLog }, maxOutputLength: bytes, chunkSize: bytes }),
};

/** The blocks of a message in packed form. Throws `frame-invalid` when it does not hold them. */
export async function unpackBlocks(message: PackedBlocksMessage, from: { packing: Packing; blockSizeBytes: number }): Promise<BlocksMessage> {
  const { cp, requestId, runs } = message;
  const packed = message.data.length === 1 ? message.data[0]! : Buffer.concat(message.data);
  const bytes = blocksIn(runs) * from.blockSizeBytes;
  let data: Uint8Array;
  try {
    data = await from.packing.unpack(packed, bytes);
  } catch (cause) {
    throw unpackable(bytes, cause);
  }
  if (data.length !== bytes) throw unpackable(bytes);
  return { type: 'blocks', cp, requestId, runs, data: cutRuns(runs, data, from.blockSizeBytes) };
}

function unpackable(bytes: number, cause?: unknown): MirrorpointError {
  return new MirrorpointError(
    'frame-invalid',
    `The peer sent ${bytes} bytes of blocks in packed form, and what came does not unpack to them. The link must be closed and opened again.`,
    { cause },
  );
}
