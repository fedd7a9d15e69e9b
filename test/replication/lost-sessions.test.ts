import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PrimaryRelationship } from '../../src-main/replication/index.ts';
import type { KnownNeeds } from '../../src-main/snapshots/index.ts';
import { createMemoryPair, type MemoryLink } from '../../src-main/transport/index.ts';
import type { Volume } from '../../src-main/volume/index.ts';
import { WireSession } from '../../src-main/wire/index.ts';
import { MemoryHome } from '../volume/memory-volume.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

/** A volume that notes what it is told to keep. */
function noting(volume: Volume, told: (KnownNeeds | undefined)[]): Volume {
  return new Proxy(volume, {
    get(target, key) {
      if (key === 'setMirrorNeeds') {
        return (relationship: string, needs: KnownNeeds | undefined) => {
          told.push(needs);
          target.setMirrorNeeds(relationship, needs);
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

it('a link that dies before the mirror has spoken does not forget the roots that an earlier one sent', async () => {
  await using volume = await new MemoryHome().create();
  const told: (KnownNeeds | undefined)[] = [];
  const clock = new VirtualClock();
  const links: MemoryLink[] = [];
  await using relationship = new PrimaryRelationship({
    volume: noting(volume, told),
    connect: () => {
      const [near, far] = createMemoryPair();
      links.push(far);
      return Promise.resolve(near);
    },
    clock,
    relationshipId: 'lost',
    serverId: new Uint8Array(16).fill(1),
    serverName: 'office',
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await setImmediate();
  };
  relationship.start();
  await settle();
  // The first link's mirror is empty, gets the root of a CP, and is gone before it says that it has it.
  const mirror = new WireSession({
    role: 'mirror',
    hello: {
      serverId: new Uint8Array(16).fill(2),
      serverName: 'cellar',
      volumeId: new Uint8Array(16),
      setId: new Uint8Array(16).fill(3),
      blockSizeBytes: volume.root.blockSizeBytes,
      blockCount: volume.root.blockCount,
      epoch: 0,
    },
  });
  mirror.receive((await links[0]!.receive())!);
  await links[0]!.send(mirror.start());
  await links[0]!.send(mirror.send({ type: 'state', committedCp: 0, rootChecksum: 0n, receivingCp: 0, neededCps: [] }));
  await settle();
  const sent = [volume.root.cp];
  expect(told.at(-1)).toMatchObject({ committedCp: 0, inFlightCps: sent });
  links[0]!.cut();
  await settle();
  expect(told.at(-1)).toMatchObject({ committedCp: 0, inFlightCps: sent });
  // The next link comes about and dies before the mirror has told its state.
  clock.pass(20_000);
  await settle();
  expect(links).toHaveLength(2);
  links[1]!.cut();
  await settle();
  expect(told.at(-1)).toMatchObject({ committedCp: 0, inFlightCps: sent });
});
