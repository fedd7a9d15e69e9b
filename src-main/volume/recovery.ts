import { type Journal, requestsIn } from '../consistency/index.ts';
import { decodeOperation, type Operation } from '../files/index.ts';

/**
 * Applies the requests of the journal that the last CP does not include, in
 * their order; resolves to their number. Throws `volume-damaged` when one does not fit.
 */
export async function replay(options: {
  journal: Journal;
  /** The first request that the last CP does not include. */
  fromSequence: number;
  apply: (operation: Operation) => Promise<void>;
}): Promise<number> {
  let replayed = 0;
  for await (const batch of options.journal.recover()) {
    for (const { sequence, encoded } of requestsIn(batch)) {
      if (sequence < options.fromSequence) continue;
      await options.apply(decodeOperation(encoded));
      replayed++;
    }
  }
  return replayed;
}
