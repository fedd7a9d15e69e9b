import { getU32, MirrorpointError } from '../base/index.ts';
import type { Journal } from '../consistency/index.ts';
import { decodeOperation, type Operation } from '../files/index.ts';

/**
 * Applies the requests of the journal that the last CP does not include, in
 * their order; resolves to their number.
 */
export async function replay(options: {
  journal: Journal;
  /** The first request that the last CP does not include. */
  fromSequence: number;
  apply: (operation: Operation) => Promise<void>;
}): Promise<number> {
  let replayed = 0;
  for await (const batch of options.journal.recover()) {
    let sequence = batch.firstSequence;
    let offset = 0;
    for (let index = 0; index < batch.requestCount; index++, sequence++) {
      const lengthBytes = getU32(batch.payload, offset);
      offset += 4;
      if (offset + lengthBytes > batch.payload.length) damagedBatch();
      if (sequence >= options.fromSequence) {
        await options.apply(decodeOperation(batch.payload.subarray(offset, offset + lengthBytes)));
        replayed++;
      }
      offset += lengthBytes;
    }
  }
  return replayed;
}

function damagedBatch(): never {
  throw new MirrorpointError(
    'volume-damaged',
    'A batch in the journal has a right checksum and wrong contents. Report this, and open the mirror instead.',
  );
}
