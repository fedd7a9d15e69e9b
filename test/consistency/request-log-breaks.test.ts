import { expect, it } from 'vitest';
import { Journal, RequestLog } from '../../src-main/consistency/index.ts';
import { MemoryDevice } from '../../src-main/device/index.ts';
import { FaultyDevice } from '../simulation/faulty-device.ts';

it('a CP asked for before a batch broke does not let batches follow the broken one', async () => {
  const device = new FaultyDevice(new MemoryDevice({ sizeBytes: 65_536 }));
  const journal = new Journal(device, { key: new Uint8Array(16), offsetBytes: 0, batch: 1 });
  const asked: { done: (sequence: number) => void }[] = [];
  const log: RequestLog<number> = new RequestLog<number>({
    journal,
    nextSequence: 1,
    encode: (request) => new Uint8Array([request]),
    takeCp: () =>
      new Promise<void>((resolve) => {
        asked.push({
          done: (sequence) => {
            log.release(sequence);
            resolve();
          },
        });
      }),
    resident: (operation) => Promise.resolve(operation()),
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  device.plan({ operation: 'write', nth: 1, error: 'EIO', repeat: 'once' });
  log.append(1, 1);
  await expect(log.commit()).rejects.toMatchObject({ code: 'device-io' });
  // Two callers each ask for a CP; the first CP mends the journal.
  const first = log.commit();
  log.append(2, 1);
  const second = log.commit();
  asked[0]!.done(2);
  await first;
  // A batch breaks while the second caller's CP, which froze earlier, still runs.
  device.plan({ operation: 'write', nth: 1, error: 'EIO', repeat: 'once' });
  log.append(3, 1);
  await expect(log.commit()).rejects.toMatchObject({ code: 'device-io' });
  asked[1]!.done(3);
  await second;
  const third = log.commit();
  await turn();
  expect(asked).toHaveLength(3);
  asked[2]!.done(4);
  await third;
});
