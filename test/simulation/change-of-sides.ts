import { present, type SeededRandom } from '../../src-main/base/index.ts';
import { Violation } from './history.ts';
import { Host } from './host.ts';
import type { OldLine } from './old-line.ts';
import type { SimulatedClients } from './simulated-clients.ts';
import type { DiskImage } from './simulated-disk.ts';
import type { SimulatedMirror } from './simulated-mirror.ts';
import type { SimulatedProbes } from './simulated-probes.ts';
import { PrimaryServer } from './simulated-servers.ts';
import type { SimulatedWorld } from './simulated-world.ts';

/** The parts of a simulation that a change of sides moves. */
export interface Stage {
  readonly world: SimulatedWorld;
  readonly clients: SimulatedClients;
  readonly probes: SimulatedProbes;
}

/** What the primary had at a rest. */
export interface OldPrimary {
  readonly images: readonly DiskImage[];
  readonly text: string;
}

/** The primary's disks as they are, at rest. */
export function imageOfPrimary({ primaryDisks, history }: SimulatedWorld): OldPrimary {
  return { images: primaryDisks.map((disk) => disk.image()), text: history.text(history.count) };
}

/**
 * A mirror is promoted as it is, and the old primary steps down and follows it.
 * Often the primary had gone on alone before: what it did then is lost to the
 * volume, and is set aside there. With an old image, the primary comes back with
 * that first, and no mirror may follow it. Resolves to what the old primary has
 * to set aside.
 */
export async function changeSides(stage: Stage, random: SeededRandom, old: OldPrimary | undefined): Promise<OldLine | undefined> {
  const { world } = stage;
  const primary = present(world.primary, 'the primary');
  const { epoch } = primary.volume.root;
  if (random.chance(0.7)) await workAlone(stage, primary, random);
  await world.ended(primary.stop());
  const setAsideName = `aside${epoch}`;
  let line: OldLine = { rootBytes: primary.volume.rootBytes, text: world.history.text(world.history.count), setAsideName };
  world.leave('primary');
  if (old !== undefined) line = { ...line, ...(await comeBackOld(world, old)) };
  const heir = random.pick(world.mirrors);
  const count = present(world.promises.cps.get(heir.cp), 'what the mirror shows');
  const isAhead = old === undefined && count < world.history.count;
  world.note(`the ${heir.side} is to lead from CP ${heir.cp}, change ${count} of ${world.history.count}`);
  await world.ended(present(heir.server, 'the mirror').stop());
  world.leave(heir.side);
  promote(world, heir, { line, epoch, count });
  for (const side of ['primary', heir.side] as const) {
    await stage.probes.watch(side);
    world.spawn(world.start(side));
  }
  world.report.failovers++;
  return isAhead ? line : undefined;
}

/** Hands the disks over, and lets the model go on from where the heir was. */
function promote(world: SimulatedWorld, heir: SimulatedMirror, now: { line: OldLine; epoch: number; count: number }): void {
  const { history, promises, primaryDisks } = world;
  const { cp, disks } = heir;
  const { count, epoch, line } = now;
  for (const other of world.mirrors) {
    if (other === heir) continue;
    // One that had got further is of a history that is over.
    const beyond = other.cp > cp ? present(promises.cps.get(other.cp), 'what the other mirror shows') : undefined;
    const rootBytes = present(promises.roots.get(other.cp), 'the root of the other mirror');
    const itsLine = beyond === undefined ? undefined : { rootBytes, text: history.text(beyond), setAsideName: `set-aside-cp${other.cp}` };
    other.standsAnew(other.disks, itsLine === undefined ? { cp: other.cp } : { oldLine: itsLine });
  }
  world.promotion = { epoch: epoch + 1, count };
  world.primaryDisks = disks;
  heir.standsAnew(primaryDisks, { oldLine: line });
  history.truncate(count);
  Object.assign(promises, { applied: count, durable: count, committedCp: cp });
  for (const later of [...promises.cps.keys()]) if (later > cp) promises.cps.delete(later);
  for (const later of [...promises.roots.keys()]) if (later > cp) promises.roots.delete(later);
}

async function workAlone({ world, clients }: Stage, { relationships }: PrimaryServer, random: SeededRandom): Promise<void> {
  const isBothAlone = random.chance(0.7);
  // The other mirror may get further than the one that is to lead.
  const paused = isBothAlone ? relationships : [random.pick(relationships)];
  for (const relationship of paused) await world.ended(relationship.pause());
  world.isAlone = true;
  world.isQuiet = false;
  await world.drive(() => false, random.below(3000));
  world.isQuiet = true;
  if (!(await world.drive(() => clients.busy === 0))) throw new Violation('the clients do not come to rest');
  world.isAlone = false;
}

/** The primary's disks are lost, and it comes back with an old image of them. Resolves to what it has then. */
async function comeBackOld(world: SimulatedWorld, old: OldPrimary): Promise<Pick<OldLine, 'rootBytes' | 'text'>> {
  world.report.faults.oldImages++;
  for (const [index, disk] of world.primaryDisks.entries()) disk.replace(old.images[index]);
  const host = new Host('the old image', world.clock);
  const server = await world.ended(PrimaryServer.open(world.primaryOptions(host, () => undefined)));
  world.note(`the primary comes back with an old image of CP ${server.volume.root.cp}`);
  const isRefused = (): boolean => server.relationships.every((relationship) => relationship.status().code === 'peer-diverged');
  if (!(await world.drive(isRefused))) throw new Violation('an old image of the primary is not recognised');
  // Until then, a root of the last primary was on its way perhaps.
  const before = world.mirrors.map(({ server }) => server?.volume.committedBytes);
  // It goes on a little, as any primary does.
  for (let cp = 0; cp < 2; cp++) await world.ended(server.volume.takeCp());
  await world.drive(() => false, 2000);
  for (const [index, { side, server: mirror }] of world.mirrors.entries()) {
    if (mirror?.volume.committedBytes !== before[index]) throw new Violation(`the ${side} followed an old image of the primary`);
  }
  await world.ended(server.stop());
  host.kill();
  for (const disk of world.primaryDisks) disk.crash();
  return { rootBytes: server.volume.rootBytes, text: old.text };
}
