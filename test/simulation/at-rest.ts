import { isFault, present, type SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet } from '../../src-main/device/index.ts';
import type { MirrorVolume, Volume } from '../../src-main/volume/index.ts';
import { scrub, type UsedBlock, usedBlocks } from '../volume/scrubbing.ts';
import type { Stage } from './change-of-sides.ts';
import { copiesOf, proveMirrorCopy } from './disk-copies.ts';
import { Violation } from './history.ts';
import { type OldLine, proveSetAside } from './old-line.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedMirror, Side } from './simulated-mirror.ts';
import type { SimulatedTrouble } from './simulated-trouble.ts';
import type { SimulatedWorld } from './simulated-world.ts';

/** Ends all trouble, and waits until all servers are up and the mirrors have caught up. */
export async function comeToRest({ world, clients }: Stage, trouble: SimulatedTrouble): Promise<void> {
  world.isQuiet = true;
  world.note('trouble ends');
  trouble.calm();
  for (const mirror of world.mirrors) {
    if (mirror.isAway) world.spawn(world.start(mirror.side));
    mirror.isAway = false;
  }
  // A device whose flush has failed is of use again only when it is opened anew.
  if (world.plan.hasErrors) for (const side of world.sides) world.kill(side);
  const areUp = await world.drive(() => world.sides.every((side) => world.isUp(side)) && clients.busy === 0);
  if (!areUp) throw new Violation('the servers do not come to rest');
  // What was kept for views and for roots on their way is given up by the second CP.
  for (let cp = 0; cp < 2; cp++) await takeCpAndFollow(world);
  const harmed = world.mirrors.filter(({ isHarmed }) => isHarmed);
  for (const mirror of harmed) await healHarm(world, mirror);
  // Time has passed.
  if (harmed.length > 0) await takeCpAndFollow(world);
}

async function takeCpAndFollow(world: SimulatedWorld): Promise<void> {
  const { volume, relationships } = present(world.primary, 'the primary');
  const { count } = world.history;
  let isTaken = false;
  world.spawn(
    volume.takeCp().then(() => {
      world.history.tell({ kind: 'durable', count });
      isTaken = true;
    }),
  );
  const haveFollowed = await world.drive(() => {
    for (const mirror of world.mirrors) seeTo(world, mirror);
    return (
      isTaken &&
      world.mirrors.every(({ server }) => server?.volume.committed?.cp === volume.root.cp) &&
      relationships.every((relationship) => relationship.status().identical)
    );
  });
  if (haveFollowed) return;
  const states = relationships.map((relationship) => {
    const { state, reason } = relationship.status();
    return `${relationship.relationshipId} ${state}, ${reason ?? 'no reason'}`;
  });
  const mirrors = world.mirrors.map(({ side, server }) => `${side}: ${server?.service.status().reason ?? ''}`);
  throw new Violation(`a mirror does not catch up: ${[...states, ...mirrors].join('; ')}`);
}

/**
 * A mirror whose base is not kept may have nothing by which the two know each
 * other, or no room for what is to be set aside or preserved: what its status then
 * asks for is done. For any other mirror that would be a fault.
 */
function seeTo(world: SimulatedWorld, mirror: SimulatedMirror): void {
  if (mirror.isKept) return;
  const relationship = world.isUp('primary') ? world.relationship(mirror.side) : undefined;
  const code = relationship?.status().code;
  if (code === 'no-common-cp' && !mirror.isResynced) {
    mirror.isResynced = true;
    world.report.resyncs++;
    relationship?.resync();
  } else if ((code === 'snapshot-exists' || code === 'mirror-full') && mirror.server?.volume.setAside !== undefined) {
    void mirror.server.volume.dropSetAside();
  } else if (code === 'mirror-full' && mirror.server?.volume.committed !== undefined) {
    // Once: what the primary last heard of it stands until it is there again, empty.
    world.beginAnew(mirror);
  }
}

/** Whatever a disk has silently done to blocks is found by a scrub, and healed by those of the primary. */
async function healHarm(world: SimulatedWorld, mirror: SimulatedMirror): Promise<void> {
  world.report.heals += await scrubbed(world, present(mirror.server, 'the mirror').volume, mirror.side);
  mirror.isHarmed = false;
}

/** Proves every block in use of one side, heals what is bad, and tells how many that were. */
async function scrubbed(world: SimulatedWorld, volume: Volume | MirrorVolume, side: Side): Promise<number> {
  const { lostBlocks, healedBlocks } = await world.ended(scrub(volume));
  if (lostBlocks > 0) throw new Violation(`${lostBlocks} blocks of the ${side} were not healed, and the other side has them`);
  return healedBlocks;
}

/** At rest, bits turn over in blocks of the primary and in others of a mirror; a scrub of each finds and heals all of them. */
export async function rotAndHeal({ world }: Stage, random: SeededRandom): Promise<void> {
  const mirror = random.pick(world.mirrors);
  const volumes = { primary: present(world.primary, 'the primary').volume, mirror: present(mirror.server, 'the mirror').volume };
  const used = await world.ended(usedBlocks(volumes.mirror.scrubbing));
  mirror.isHarmed = true;
  const rotten: Record<Side, Set<number>> = { primary: new Set(), mirror: new Set(), second: new Set() };
  for (let more = random.below(8); more >= 0; more--) {
    const { vbn } = random.pick(used);
    const side = vbn % 2 === 0 ? 'primary' : mirror.side;
    if (rotten[side].has(vbn)) continue;
    rotten[side].add(vbn);
    await rot(world.disks(side), vbn, random.below(4096 * 8));
    world.report.faults.rottenBlocks++;
  }
  for (const [side, volume] of [['primary', volumes.primary], [mirror.side, volumes.mirror]] as const) {
    const earlier = volume.healer.counts.healed;
    const found = await scrubbed(world, volume, side);
    const healed = Math.max(found, volume.healer.counts.healed - earlier);
    const expected = await world.ended(stillUsed(volume, used, rotten[side]));
    if (healed < expected) throw new Violation(`of ${expected} rotten blocks of the ${side}, ${healed} were healed`);
    world.report.heals += found;
    world.note(`${found} blocks of the ${side} were healed`);
  }
  mirror.isHarmed = false;
  // Time has passed.
  await takeCpAndFollow(world);
}

/** How many of some blocks are in use as they were: a CP may have freed others meanwhile. */
async function stillUsed(volume: Volume | MirrorVolume, before: readonly UsedBlock[], vbns: ReadonlySet<number>): Promise<number> {
  const now = new Map((await usedBlocks(volume.scrubbing)).map(({ vbn, checksum }) => [vbn, checksum]));
  return before.filter(({ vbn, checksum }) => vbns.has(vbn) && now.get(vbn) === checksum).length;
}

async function rot(disks: readonly SimulatedDisk[], vbn: number, bit: number): Promise<void> {
  const { description } = await DeviceSet.open(copiesOf(disks, 'calm')(), { readOnly: true });
  const segment = present(description.segments.findLast(({ firstVbn }) => firstVbn <= vbn), 'the segment of a block');
  disks[segment.deviceIndex]!.rot(segment.deviceOffsetBytes + (vbn - segment.firstVbn) * 4096, bit);
}

/** Nothing happens any more: all sides are whole, equal, and what was asked for. */
export async function proveRest({ world }: Stage, setAside: OldLine | undefined): Promise<void> {
  const { volume } = present(world.primary, 'the primary');
  const { history, promises, report } = world;
  for (const { side, server, disks, cp: leastCp } of world.mirrors) {
    const mirror = present(server, 'the mirror').volume;
    if (Buffer.compare(mirror.committedBytes!, volume.rootBytes) !== 0) throw new Violation(`primary and ${side} are at rest, and their roots differ`);
    for (const how of copiesThatDiffer(disks)) {
      const cp = await proveMirrorCopy(copiesOf(disks, how)(), { history, promises, leastCp });
      if (cp !== volume.root.cp) throw new Violation(`the ${side} at rest would come back at CP ${cp}, not ${volume.root.cp}`);
    }
  }
  for (const how of copiesThatDiffer(world.primaryDisks)) {
    const { count } = await world.provePrimaryCopy(how, { seed: 1 });
    if (history.text(count) !== history.text(history.count)) throw new Violation('changes were lost at rest');
  }
  if (volume.bases.length > 3) throw new Violation(`at rest, CPs ${volume.bases.join(', ')} are kept for mirrors that have the last one`);
  for (const { server } of setAside === undefined ? [] : world.mirrors) {
    if (await world.ended(stillSetAside(world, present(server, 'the mirror').volume, setAside!))) report.setAside++;
  }
  report.quietPoints++;
}

/** Whether what was set aside is there and right. What only a harmed disk had cannot be healed: it is enough that it is found. */
async function stillSetAside({ plan }: SimulatedWorld, mirror: MirrorVolume, setAside: OldLine): Promise<boolean> {
  try {
    return await proveSetAside(mirror, setAside);
  } catch (fault) {
    if (plan.silentFaultChance > 0 && isFault(fault, 'checksum-mismatch')) return false;
    throw fault;
  }
}

/** What would survive at worst is as much as there is, when everything was flushed. */
function copiesThatDiffer(disks: readonly SimulatedDisk[]): readonly ('durable' | 'calm')[] {
  return disks.every((disk) => disk.isFlushed) ? ['calm'] : ['durable', 'calm'];
}
