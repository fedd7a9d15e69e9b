import type { SeededRandom } from '../../src-main/base/index.ts';
import type { DiskImage } from './simulated-disk.ts';
import type { SimulatedMirror } from './simulated-mirror.ts';
import type { SimulatedWorld } from './simulated-world.ts';

/** What a mirror had once, to come back with it. */
interface OldMirror {
  readonly images: readonly DiskImage[];
  readonly cp: number;
  readonly rootBytes: Uint8Array;
  /** The files as of that root. */
  readonly text: string;
}

/**
 * What befalls a whole mirror from one rest to the next: its disks are lost, and
 * it begins anew; an old image of them comes back; it stays away for long.
 */
export class MirrorLosses {
  readonly #world: SimulatedWorld;
  #old: OldMirror | undefined;

  constructor(world: SimulatedWorld) {
    this.#world = world;
  }

  /** Something may happen to the second mirror, at the beginning of a round of trouble. Both mirrors are whole. */
  befall(random: SeededRandom): void {
    const mirror = this.#world.mirrors[1];
    if (mirror === undefined) return;
    const dice = random.below(100);
    const old = this.#old;
    this.#old = random.chance(0.5) ? this.#saved(mirror) : old;
    if (dice < 25) this.#lose(mirror);
    else if (dice < 50 && old !== undefined) this.#return(mirror, old);
    else if (dice < 75) this.#leaveBehind(mirror);
  }

  #saved({ disks, server, cp }: SimulatedMirror): OldMirror | undefined {
    const rootBytes = server?.volume.committedBytes;
    const count = this.#world.promises.cps.get(cp);
    if (rootBytes === undefined || count === undefined) return undefined;
    return { images: disks.map((disk) => disk.image()), cp, rootBytes, text: this.#world.history.text(count) };
  }

  #lose(mirror: SimulatedMirror): void {
    this.#world.note(`the disks of the ${mirror.side} are lost`);
    this.#world.report.faults.mirrorsLost++;
    this.#world.beginAnew(mirror);
  }

  #return(mirror: SimulatedMirror, old: OldMirror): void {
    this.#world.note(`the ${mirror.side} comes back with an image of CP ${old.cp}`);
    this.#world.report.faults.oldImages++;
    this.#world.leave(mirror.side);
    for (const [index, disk] of mirror.disks.entries()) disk.replace(old.images[index]);
    const known = this.#world.promises.roots.get(old.cp);
    const isOurs = known !== undefined && Buffer.compare(known, old.rootBytes) === 0;
    const { rootBytes, text } = old;
    mirror.standsAnew(mirror.disks, isOurs ? { cp: old.cp } : { oldLine: { rootBytes, text, setAsideName: 'old image' } });
    this.#world.spawn(this.#world.start(mirror.side));
  }

  #leaveBehind(mirror: SimulatedMirror): void {
    this.#world.note(`the ${mirror.side} stays away`);
    this.#world.report.faults.mirrorsLeftBehind++;
    mirror.isAway = true;
    this.#world.leave(mirror.side);
  }
}
