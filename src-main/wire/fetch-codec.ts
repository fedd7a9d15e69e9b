import { assert } from '../base/index.ts';
import type { BodyReader, BodyWriter } from './body.ts';
import { fetchBlocksMax } from './limits.ts';
import type { FetchedMessage, FetchMessage, SoughtBlock } from './message.ts';
import { isBlockSize } from './runs.ts';

const requestRange = { min: 1 };

export function writeFetch(writer: BodyWriter, { requestId, blocks }: FetchMessage): void {
  writer.u32('the request id', requestId, requestRange);
  writer.u16('the number of blocks', blocks.length, { min: 1, max: fetchBlocksMax });
  for (const { vbn, checksum } of blocks) {
    writer.u48('a VBN', vbn);
    writer.checksum('a checksum', checksum);
  }
}

export function readFetch(reader: BodyReader): FetchMessage {
  const requestId = reader.u32('the request id', requestRange);
  const length = reader.u16('the number of blocks', { min: 1, max: fetchBlocksMax });
  const blocks: SoughtBlock[] = [];
  for (let index = 0; index < length; index++) {
    const vbn = reader.u48('a VBN');
    blocks.push({ vbn, checksum: reader.checksum('a checksum') });
  }
  return { type: 'fetch', requestId, blocks };
}

export function writeFetched(writer: BodyWriter, { requestId, found, data }: FetchedMessage): void {
  assert(found.length === data.length, `${found.length} places found with ${data.length} blocks`);
  const [first] = data;
  const isEven = first === undefined || (isBlockSize(first.length) && data.every((block) => block.length === first.length));
  assert(isEven, 'blocks that were found are whole');
  writer.u32('the request id', requestId, requestRange);
  writer.u16('the number of blocks found', found.length, { max: fetchBlocksMax });
  let least = 0;
  for (const place of found) {
    writer.u16('a place in the fetch', place, { min: least, max: fetchBlocksMax - 1 });
    least = place + 1;
  }
}

export function readFetched(reader: BodyReader, data: Uint8Array): FetchedMessage {
  const requestId = reader.u32('the request id', requestRange);
  const length = reader.u16('the number of blocks found', { max: fetchBlocksMax });
  const found: number[] = [];
  for (let least = 0; found.length < length; least = found.at(-1)! + 1) {
    found.push(reader.u16('a place in the fetch', { min: least, max: fetchBlocksMax - 1 }));
  }
  const sizeBytes = length === 0 ? 0 : data.length / length;
  if (length === 0 ? data.length > 0 : !isBlockSize(sizeBytes)) reader.fail(`${data.length} bytes of data are not ${length} blocks`);
  return { type: 'fetched', requestId, found, data: found.map((_, index) => data.subarray(index * sizeBytes, (index + 1) * sizeBytes)) };
}
