import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { Journal, type JournalPosition, type RecoveredBatch } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';

const sizeBytes = 65536;

function newPosition(): JournalPosition {
  return { key: new Uint8Array(16).fill(9), offsetBytes: 0, batch: 1 };
}

async function recovered(region: MemoryDevice, position: JournalPosition): Promise<RecoveredBatch[]> {
  const found: RecoveredBatch[] = [];
  for await (const batch of new Journal(region, position).recover()) found.push(batch);
  return found;
}

/** A batch whose payload says which it is. */
function batchOf(number: number, payloadBytes: number): { firstSequence: number; requestCount: number; payload: Uint8Array[] } {
  const payload = new Uint8Array(payloadBytes).fill(number);
  // In two parts, as requests come in many.
  return { firstSequence: number * 10, requestCount: 3, payload: [payload.subarray(0, 5), payload.subarray(5)] };
}

describe('the journal', () => {
  it('gives back every batch in order, byte for byte, from the position of the CP on', async () => {
    const region = new MemoryDevice({ sizeBytes });
    const journal = new Journal(region, newPosition());
    for (const number of [1, 2, 3]) await journal.append(batchOf(number, number * 3000));
    const found = await recovered(region, newPosition());
    expect(found.map(({ firstSequence, requestCount }) => [firstSequence, requestCount])).toEqual([[10, 3], [20, 3], [30, 3]]);
    found.forEach(({ payload }, index) => {
      expect(payload).toEqual(new Uint8Array((index + 1) * 3000).fill(index + 1));
    });
    const later = journal.position;
    await journal.append(batchOf(4, 100));
    expect((await recovered(region, later)).map(({ firstSequence }) => firstSequence)).toEqual([40]);
    expect(await recovered(region, journal.position)).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5])('never writes over what the last CP still needs, and uses the whole region (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    const region = new MemoryDevice({ sizeBytes });
    const journal = new Journal(region, newPosition());
    let durable = newPosition();
    let expected: number[] = [];
    let refusals = 0;
    for (let number = 1; number <= 250; number++) {
      const payloadBytes = 5 + random.below(random.chance(0.1) ? sizeBytes - 100 : 9000);
      if (journal.fits(payloadBytes)) {
        await journal.append(batchOf(number & 0xff, payloadBytes));
        expected.push((number & 0xff) * 10);
      } else {
        refusals++;
        // The position of a CP is taken at its freeze; batches may be added until it is durable.
        const position = journal.position;
        const kept: number[] = [];
        if (random.chance(0.5) && journal.fits(10)) {
          await journal.append(batchOf(number & 0xff, 10));
          expected.push((number & 0xff) * 10);
          kept.push((number & 0xff) * 10);
        }
        expect((await recovered(region, durable)).map(({ firstSequence }) => firstSequence)).toEqual(expected);
        journal.release(position);
        durable = position;
        expected = kept;
      }
      expect(journal.usedBytes).toBeLessThanOrEqual(sizeBytes);
      expect((await recovered(region, durable)).map(({ firstSequence }) => firstSequence)).toEqual(expected);
    }
    expect(refusals).toBeGreaterThan(10);
  });

  it('ends at a torn batch, whichever bit is wrong, and finds those before it', async () => {
    const region = new MemoryDevice({ sizeBytes });
    const journal = new Journal(region, newPosition());
    await journal.append(batchOf(1, 100));
    await journal.append(batchOf(2, 200));
    const place = new Uint8Array(4096);
    await region.read(4096, [place]);
    for (let bit = 0; bit < (64 + 200) * 8; bit++) {
      const bytes = place.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      await region.write(4096, [bytes]);
      expect(await recovered(region, newPosition()), `bit ${bit}`).toHaveLength(1);
    }
    await region.write(4096, [place]);
    expect(await recovered(region, newPosition())).toHaveLength(2);
  });

  it('knows only batches of its present life', async () => {
    const region = new MemoryDevice({ sizeBytes });
    const journal = new Journal(region, newPosition());
    for (const number of [1, 2, 3]) await journal.append(batchOf(number, 100));
    const key = new Uint8Array(16).fill(10);
    journal.restart(key);
    expect(journal.usedBytes).toBe(0);
    const position = journal.position;
    await journal.append(batchOf(7, 100));
    // Batches 2 and 3 of the old life still stand behind it, whole and with the right numbers.
    expect((await recovered(region, position)).map(({ firstSequence }) => firstSequence)).toEqual([70]);
  });

  it('can be filled to its last byte, and is empty after the CP that includes it all', async () => {
    const region = new MemoryDevice({ sizeBytes });
    const journal = new Journal(region, newPosition());
    expect(journal.fits(sizeBytes - 64)).toBe(true);
    expect(journal.fits(sizeBytes - 63)).toBe(false);
    await journal.append(batchOf(1, sizeBytes - 64));
    expect([journal.usedBytes, journal.fits(0)]).toEqual([sizeBytes, false]);
    expect(await recovered(region, newPosition())).toHaveLength(1);
    journal.release(newPosition());
    expect([journal.usedBytes, journal.fits(0)]).toEqual([sizeBytes, false]);
    journal.release(journal.position);
    expect([journal.usedBytes, journal.fits(sizeBytes - 64)]).toEqual([0, true]);
  });

  it('goes round: a batch that does not fit before the end begins at the start', async () => {
    const region = new MemoryDevice({ sizeBytes });
    const journal = new Journal(region, newPosition());
    for (let number = 1; number <= 15; number++) await journal.append(batchOf(number, 10));
    const position = journal.position;
    journal.release(position);
    await journal.append(batchOf(16, 5000));
    await journal.append(batchOf(17, 10));
    // One place was skipped at the end; it counts until the next CP.
    expect(journal.usedBytes).toBe(4096 * 4);
    expect((await recovered(region, position)).map(({ firstSequence }) => firstSequence)).toEqual([160, 170]);
  });

  it('refuses to append what does not fit, and takes noise for nothing', async () => {
    const random = new SeededRandom(8);
    const region = new MemoryDevice({ sizeBytes });
    const journal = new Journal(region, newPosition());
    await expect(journal.append(batchOf(1, sizeBytes))).rejects.toThrow('only where it fits');
    for (let round = 0; round < 50; round++) {
      await region.write(0, [random.bytes(sizeBytes)]);
      expect(await recovered(region, newPosition())).toEqual([]);
    }
  });
});
