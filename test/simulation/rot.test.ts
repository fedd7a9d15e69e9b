import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { contentOf, expectBytes, MirrorLab } from '../replication/mirror-lab.ts';
import { testSeed } from '../seed.ts';
import { dataOffset, flip, scrub, usedBlocks } from '../volume/scrubbing.ts';

const rounds = 40;

/** A pair under a random life; `files` is what the primary must hold. */
class RottingPair {
  readonly lab: MirrorLab;
  readonly files = new Map<string, Uint8Array>();
  readonly #snapshots: string[] = [];
  rotten = 0;

  constructor(seed: number) {
    this.lab = new MirrorLab({ primaryBytes: 24 << 20, seed });
  }

  async change(round: number): Promise<void> {
    const { lab, files } = this;
    const { random } = lab;
    const names = [...files.keys()];
    const content = random.bytes(random.below(60_000));
    const what = names.length < 3 ? 0 : random.below(6);
    if (what <= 1) await this.#put(`file-${round}`, content);
    else if (what === 2) await this.#overwrite(random.pick(names));
    else if (what === 3) {
      const name = random.pick(names);
      await lab.remove(name);
      files.delete(name);
    } else if (what === 4) {
      await lab.primary.createSnapshot(`snap-${round}`);
      this.#snapshots.push(`snap-${round}`);
    } else if (this.#snapshots.length > 1) await lab.primary.deleteSnapshot(this.#snapshots.shift()!);
    await lab.primary.takeCp();
  }

  /** Flips bits in blocks that both sides have right: even ones on the primary, odd ones on the mirror, so never on both. */
  async rot(): Promise<void> {
    const { lab } = this;
    await this.together();
    const used = await usedBlocks(lab.mirror.scrubbing);
    for (let more = lab.random.below(12); more >= 0; more--) {
      const { vbn } = lab.random.pick(used);
      const device = vbn % 2 === 0 ? lab.primaryDevice : lab.mirrorDevice;
      await flip(device, (await dataOffset(device)) + vbn * 4096, lab.random.below(4096 * 8));
      this.rotten++;
    }
  }

  /** Both sides have the last CP, and the link between them stands. */
  async together(): Promise<void> {
    const { lab } = this;
    await lab.until(() => lab.relationship.status().identical && lab.relationship.status().state === 'live' && lab.service.status().state === 'live', 'a live pair');
    await lab.untilIdentical();
  }

  async read(): Promise<void> {
    for (const [name, content] of this.files) expectBytes(await contentOf(this.lab.primary, name), content);
    await using view = await this.lab.mirror.openView('last');
    for (const name of this.files.keys()) expectBytes(await contentOf(view, name), this.files.get(name)!);
  }

  async #put(name: string, content: Uint8Array): Promise<void> {
    await this.lab.put(name, content);
    this.files.set(name, content);
  }

  async #overwrite(name: string): Promise<void> {
    const content = this.lab.random.bytes(this.files.get(name)!.length);
    await this.lab.overwrite(name, content);
    this.files.set(name, content);
  }
}

describe('two servers whose disks rot', () => {
  it.each([0, 1, 2, 3])('read everything right, heal all of it, and lose nothing while no block is bad on both (life %i)', async (life) => {
    const seed = testSeed + life;
    const pair = new RottingPair(seed);
    const { lab } = pair;
    await lab.start();
    let healed = 0;
    try {
      for (let round = 0; round < rounds; round++) {
        await pair.change(round);
        if (lab.random.chance(0.3)) await pair.rot();
        if (lab.random.chance(0.3)) {
          await pair.together();
          await pair.read();
        }
        if (lab.random.chance(0.15)) {
          // An opening reads before there is a link to heal from, so it comes right after a scrub.
          await pair.together();
          for (const volume of [lab.primary, lab.mirror]) {
            const state = await scrub(volume, { stretch: 1 + lab.random.below(200) });
            expect(state.lostBlocks).toBe(0);
            healed += state.healedBlocks;
          }
          if (lab.random.chance(0.5)) await lab.restartMirror();
        }
        if (lab.random.chance(0.1)) {
          lab.cut();
          await lab.settle();
        }
        await pair.together();
      }
      for (const volume of [lab.primary, lab.mirror]) {
        const state = await scrub(volume);
        expect(state.lostBlocks).toBe(0);
        healed += state.healedBlocks;
        expect((await volume.check()).problems).toEqual([]);
      }
      await pair.read();
      healed += lab.primary.healer.counts.healed + lab.mirror.healer.counts.healed;
      expect(pair.rotten).toBeGreaterThan(10);
      expect(healed).toBeGreaterThan(5);
      await lab.close();
    } catch (fault) {
      const text = isFault(fault) ? `${fault.code}: ${fault.message}` : String(fault);
      throw new Error(`seed ${seed} (SEED=${testSeed}, life ${life}): ${text}`, { cause: fault });
    }
  });
});
