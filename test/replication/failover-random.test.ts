import { expect, test } from 'vitest';
import { testSeed } from '../seed.ts';
import { FailoverLab, type LabServer } from './failover-lab.ts';
import { contentOf, expectBytes, namesOf } from './mirror-lab.ts';

type Files = Map<string, Uint8Array>;

/** Two servers that swap their roles in every way, and what the one that leads must have. */
class Story {
  readonly lab: FailoverLab;
  readonly files: Files = new Map();
  leader: LabServer;
  #count = 0;

  constructor(lab: FailoverLab, leader: LabServer) {
    this.lab = lab;
    this.leader = leader;
  }

  get follower(): LabServer {
    return this.lab.other(this.leader);
  }

  async put(server = this.leader, files = this.files): Promise<void> {
    const content = this.lab.random.bytes(1 + this.lab.random.below(60_000));
    const name = `file ${++this.#count}`;
    await server.put(name, content);
    files.set(name, content);
    if (this.lab.random.chance(0.5)) await server.volume!.takeCp();
    if (this.lab.random.chance(0.2)) await server.volume!.createSnapshot(`snapshot ${this.#count}`);
  }

  async mirrored(): Promise<void> {
    await this.leader.volume!.takeCp();
    await this.lab.untilIdentical(this.leader);
  }

  /** The primary gives the volume over when the mirror has everything. */
  async switchOver(): Promise<void> {
    await this.mirrored();
    const { leader, follower, lab } = this;
    const epoch = leader.volume!.root.epoch + 1;
    await leader.relationship!.handOver(epoch);
    expect(follower.leads.at(-1)).toBe(epoch);
    await follower.promote(epoch);
    await lab.until(() => leader.superseding.length > 0, 'word of the higher epoch');
    await leader.stepDown(`before ${epoch}`);
    this.leader = follower;
  }

  /** The two lose sight of each other, the mirror is promoted, and the old primary comes back with changes of its own. */
  async failOver(): Promise<void> {
    await this.mirrored();
    const { leader, follower, lab } = this;
    const common = new Map(this.files);
    lab.isApart = true;
    lab.cut();
    const lost: Files = new Map(common);
    for (let count = lab.random.below(4); count > 0; count--) await this.put(leader, lost);
    if (lab.random.chance(0.3)) {
      // What was synced is in the journal, and counts.
      await leader.volume!.sync();
      await leader.restartPrimary();
    }
    const epoch = follower.mirror!.committed!.epoch + 1;
    await follower.promote(epoch);
    this.leader = follower;
    for (let count = lab.random.below(4); count > 0; count--) await this.put();
    lab.isApart = false;
    await lab.until(() => leader.superseding.length > 0, 'word of the higher epoch');
    const name = `before ${epoch}`;
    await leader.stepDown(name);
    await this.mirrored();
    if (lost.size > common.size) await expectFiles(await leader.mirror!.openView({ snapshot: name }), lost);
  }

  async disturb(): Promise<void> {
    const { lab, leader, follower } = this;
    if (lab.random.chance(0.5)) lab.cut();
    else if (lab.random.chance(0.5)) await follower.restartMirror();
    else {
      await leader.volume!.takeCp();
      await leader.restartPrimary();
    }
  }

  async prove(): Promise<void> {
    await this.mirrored();
    const { leader, follower } = this;
    await expectFiles(await leader.volume!.openView('last'), this.files);
    await expectFiles(await follower.mirror!.openView('last'), this.files);
    expect((await leader.volume!.check()).problems).toEqual([]);
    expect((await follower.mirror!.check()).problems).toEqual([]);
  }
}

async function expectFiles(view: Awaited<ReturnType<NonNullable<LabServer['volume']>['openView']>>, files: Files): Promise<void> {
  try {
    expect(await namesOf(view)).toEqual([...files.keys()].sort());
    for (const [name, content] of files) expectBytes(await contentOf(view, name), content);
  } finally {
    await view.close();
  }
}

test.each(['dialing', 'listening'] as const)('whatever way the roles go back and forth, nothing that counts is lost; first with the %s server', async (first) => {
  for (let seed = testSeed; seed < testSeed + 6; seed++) {
    await using lab = new FailoverLab(seed);
    const story = new Story(lab, lab[first]);
    try {
      await lab.start(story.leader);
      for (let step = 0; step < 12; step++) {
        const what = lab.random.below(8);
        if (what < 4) await story.put();
        else if (what === 4) await story.disturb();
        else if (what === 5) await story.switchOver();
        else if (what === 6) await story.failOver();
        else await story.prove();
      }
      await story.switchOver();
      await story.prove();
    } catch (fault) {
      throw new Error(`seed ${seed}`, { cause: fault });
    }
  }
});
