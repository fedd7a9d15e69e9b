import { describe, expect, it } from 'vitest';
import { isFault, MirrorpointError } from '../../src-main/base/index.ts';
import { Journal, type JournalPosition, RequestLog, requestsIn } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';

/** A log over a journal in memory; a CP is a note of its cause that lets everything before it go. */
function newLog(options: { sizeBytes?: number; requestBytes?: number } = {}): {
  log: RequestLog<number>;
  journal: Journal;
  device: FaultyDevice;
  causes: string[];
  cpFault: { next: unknown };
  stored: () => Promise<number[][]>;
  sequences: () => Promise<number[]>;
} {
  const device = new FaultyDevice(new MemoryDevice({ sizeBytes: options.sizeBytes ?? 65536 }));
  const position: JournalPosition = { key: new Uint8Array(16).fill(1), offsetBytes: 0, batch: 1 };
  const journal = new Journal(device, position);
  const causes: string[] = [];
  const cpFault: { next: unknown } = { next: undefined };
  let durable = position;
  const log: RequestLog<number> = new RequestLog<number>({
    journal,
    nextSequence: 100,
    encode: (request) => {
      const bytes = new Uint8Array(options.requestBytes ?? 4);
      bytes[0] = request;
      return bytes;
    },
    takeCp: async (cause) => {
      causes.push(cause);
      const { sequence } = log;
      const at = journal.position;
      await Promise.resolve();
      if (cpFault.next !== undefined) {
        const fault = cpFault.next as Error;
        cpFault.next = undefined;
        throw fault;
      }
      journal.release(at);
      durable = at;
      log.release(sequence);
    },
    resident: async (operation) => {
      await Promise.resolve();
      return operation();
    },
  });
  const found = async (): Promise<{ sequence: number; encoded: Uint8Array }[][]> => {
    const batches = [];
    for await (const batch of new Journal(device, durable).recover()) batches.push([...requestsIn(batch)]);
    return batches;
  };
  const stored = async (): Promise<number[][]> => {
    return (await found()).map((batch) => batch.map(({ encoded }) => encoded[0]!));
  };
  const sequences = async (): Promise<number[]> => (await found()).flat().map(({ sequence }) => sequence);
  return { log, journal, device, causes, cpFault, stored, sequences };
}

describe('the log of requests', () => {
  it('makes nothing durable until it is asked to, and then everything before', async () => {
    const { log, stored, causes } = newLog();
    for (let request = 1; request <= 3; request++) log.append(request, 8);
    expect([log.sequence, log.waitingCount, await stored()]).toEqual([103, 3, []]);
    await log.commit();
    expect([log.sequence, log.waitingCount, await stored(), causes]).toEqual([103, 0, [[1, 2, 3]], []]);
    await log.commit();
    expect(await stored()).toEqual([[1, 2, 3]]);
  });

  it('shares one batch between all who wait: group commit', async () => {
    const { log, device, stored } = newLog();
    const commits: Promise<void>[] = [];
    for (let request = 1; request <= 50; request++) {
      log.append(request, 8);
      commits.push(log.commit());
    }
    await Promise.all(commits);
    expect((await stored()).flat()).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(device.counts.flush).toBeLessThanOrEqual(2);
  });

  it('numbers requests so that those of a CP can be told from later ones', async () => {
    const { log, sequences } = newLog();
    log.append(1, 8);
    log.append(2, 8);
    // A CP has taken the first; the second and third go to the journal under their own numbers.
    log.release(101);
    expect(log.waitingCount).toBe(1);
    await log.commit();
    log.append(3, 8);
    await log.commit();
    expect(await sequences()).toEqual([101, 102]);
  });

  it('asks for a CP when half of the journal is used, and goes on without waiting for it', async () => {
    const { log, causes, journal } = newLog({ requestBytes: 4000 });
    for (let request = 1; request <= 9; request++) {
      log.append(request, 8);
      await log.commit();
    }
    expect(causes).toEqual(['journal']);
    expect(journal.usedBytes).toBeLessThan(journal.sizeBytes / 2);
  });

  it('takes a CP when a batch does not fit in what is left of the journal', async () => {
    const { log, causes } = newLog({ requestBytes: 30_000 });
    log.append(1, 8);
    await log.commit();
    expect(causes).toEqual([]);
    log.append(2, 8);
    log.append(3, 8);
    await log.commit();
    expect([log.waitingCount, causes]).toEqual([0, ['journal']]);
  });

  it('does not fail a request that is in the journal because the CP for room fails', async () => {
    const { log, causes, cpFault, stored } = newLog({ requestBytes: 40_000 });
    cpFault.next = new MirrorpointError('device-io', 'broken once');
    log.append(1, 8);
    await log.commit();
    await new Promise(setImmediate);
    expect([causes, await stored()]).toEqual([['journal'], [[1]]]);
  });

  it('takes a CP instead of a batch that is large anyway', async () => {
    const { log, causes, device } = newLog();
    log.append(1, 60_000);
    await log.commit();
    expect([causes, device.counts.write, log.waitingCount]).toEqual([['sync'], 0, 0]);
  });

  it('tells of a batch that failed, and is durable again only by a CP', async () => {
    const { log, device, causes, stored } = newLog();
    log.append(1, 8);
    await log.commit();
    device.plan({ operation: 'write', nth: 1, error: 'EIO', repeat: 'once' });
    log.append(2, 8);
    await expect(log.commit()).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
    log.append(3, 8);
    await log.commit();
    // A batch behind the lost one would never be found.
    expect(causes).toEqual(['sync']);
    expect(await stored()).toEqual([]);
    log.append(4, 8);
    await log.commit();
    expect([causes, await stored()]).toEqual([['sync'], [[4]]]);
  });

  it('does not acknowledge what neither the journal nor a CP took', async () => {
    const { log, device, cpFault } = newLog();
    device.plan({ operation: 'flush', nth: 1, error: 'EIO', repeat: 'for-ever' });
    log.append(1, 8);
    await expect(log.commit()).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-io'));
    cpFault.next = new MirrorpointError('device-full', 'no room');
    await expect(log.commit()).rejects.toSatisfy((fault: unknown) => isFault(fault, 'device-full'));
    expect(log.waitingCount).toBe(1);
    await log.commit();
    expect(log.waitingCount).toBe(0);
  });
});

describe('requests of a batch', () => {
  it('with lengths that do not fit are refused', () => {
    const payload = new Uint8Array([200, 0, 0, 0, 1, 2, 3]);
    const damaged = (fault: unknown): boolean => isFault(fault, 'volume-damaged');
    expect(() => [...requestsIn({ firstSequence: 1, requestCount: 1, payload })]).toThrow(expect.toSatisfy(damaged));
    const short = new Uint8Array([1, 0]);
    expect(() => [...requestsIn({ firstSequence: 1, requestCount: 1, payload: short })]).toThrow(expect.toSatisfy(damaged));
  });
});
