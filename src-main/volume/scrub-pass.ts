import { isFault } from '../base/index.ts';
import type { BlockStore } from '../blocks/index.ts';
import {
  inodeBytes,
  inodeSlots,
  inodeTreeAt,
  pointerBirth,
  pointerBytes,
  type RootNode,
  type SystemFileName,
  systemFileNames,
} from '../format/index.ts';
import type { HealRecord } from './block-healer.ts';
import { walkBlocks, type WalkStep } from './block-walk.ts';
import type { HeldRoot, ScrubSubject } from './scrub-subject.ts';

/** Damaged blocks that a pass remembers; it counts the others. */
const damageMax = 1000;

/** Blocks of inodes read in one step: what follows from them comes before the next. */
const inodeStepBlocks = 16;

/** A block that is bad here and that no other side had right. */
export interface Damage {
  vbn: number;
  birthCp: number;
  /** The root in which it was met. */
  cp: number;
  /** What it belongs to: one of the volume's own maps, the inodes, or a file. */
  of: Exclude<SystemFileName, 'inodes'> | 'inodes' | 'file';
  /** Of a file: its inode number. */
  inode: number;
  /** 0 is data, others are address blocks; and the first data block of the file, the map or the inodes that lies below. */
  level: number;
  firstIndex: number;
}

/** Where a pass stands and what it has found. Plain data: kept by the caller, a pass goes on from it after a restart. */
export interface ScrubState {
  /** The last root when the pass began: what it references is what the pass proves. */
  targetCp: number;
  phase: 'copies' | 'maps' | 'files' | 'done';
  /** Of the maps: which one. */
  map: number;
  /** What was born by this CP has been proven in this pass. */
  afterCp: number;
  /** The root on which the present leg began, and the one it was on last; 0: not begun. */
  legCp: number;
  rootCp: number;
  inode: number;
  index: number;
  verifiedBlocks: number;
  healedBlocks: number;
  /** Read from the other side, but not rewritten. */
  servedBlocks: number;
  lostBlocks: number;
  mendedCopies: number;
  damage: Damage[];
}

/** Where blocks of a walk belong, and where they are read. */
type Place = Pick<Damage, 'cp' | 'of' | 'inode'> & { readonly store: BlockStore };

/** The maps, in the order in which they are scrubbed. */
const mapNames = systemFileNames.filter((name) => name !== 'inodes');

export function newScrub(root: RootNode): ScrubState {
  return {
    targetCp: root.cp,
    phase: 'copies',
    map: 0,
    afterCp: 0,
    legCp: 0,
    rootCp: 0,
    inode: 0,
    index: 0,
    verifiedBlocks: 0,
    healedBlocks: 0,
    servedBlocks: 0,
    lostBlocks: 0,
    mendedCopies: 0,
    damage: [],
  };
}

/**
 * One pass of a scrub: proves every block in use against its parent's checksum,
 * in legs: each kept root from the oldest, as far as it differs from the one
 * before, and the last root at the end. What is bad is healed (BlockHealer) or
 * remembered.
 *
 * A pass works in stretches, and holds nothing between them. When the root that
 * a leg was on has gone meanwhile, the leg goes on with the next one, from the
 * same place in the same file: whatever both reference stands at the same place
 * in both. The leg after it begins at the root on which this one began, so that
 * nothing born since is passed by.
 */
export class ScrubPass {
  readonly state: ScrubState;
  readonly #subject: ScrubSubject;
  /** Blocks that this stretch may still read, and whether it has got anywhere. */
  #blocksLeft = 0;
  #hasMoved = false;

  constructor(subject: ScrubSubject, state: ScrubState) {
    this.#subject = subject;
    this.state = state;
  }

  /** Reads about so many blocks; resolves to their number. The pass is at its end when the state's phase is `done`. */
  async stretch(blocks: number): Promise<number> {
    this.#blocksLeft = blocks;
    this.#hasMoved = false;
    const outcomes = new Map<number, HealRecord['outcome']>();
    const stop = this.#subject.healer.onHeal(({ block, outcome }) => outcomes.set(block.vbn, outcome));
    try {
      if (this.state.phase === 'copies') {
        this.state.mendedCopies += await this.#subject.mendCopies();
        this.state.phase = 'maps';
      } else if (this.state.phase === 'maps') await this.#maps(outcomes);
      else if (this.state.phase === 'files') await this.#files(outcomes);
    } finally {
      stop();
    }
    return blocks - this.#blocksLeft;
  }

  async #maps(outcomes: Map<number, HealRecord['outcome']>): Promise<void> {
    const { state } = this;
    const { root, context, leave } = await this.#subject.holdMaps();
    try {
      const name = mapNames[state.map]!;
      const place: Place = { store: context.cache.store, cp: root.cp, of: name, inode: 0 };
      const isDone = await walkBlocks(this.#subject.geometry, root.files[name], {
        afterCp: 0,
        fromIndex: state.index,
        stepBlocks: inodeStepBlocks,
        read: async (step) => {
          if (this.#isSpent) return 'stop';
          const blocks = await this.#read(step, place, outcomes);
          if (step.level === 0) this.#moveTo({ index: step.firstIndices.at(-1)! + 1 });
          return blocks;
        },
      });
      if (!isDone) return;
      state.index = 0;
      state.map++;
      if (state.map === mapNames.length) state.phase = 'files';
    } finally {
      leave();
    }
  }

  async #files(outcomes: Map<number, HealRecord['outcome']>): Promise<void> {
    const { state } = this;
    const held = await this.#subject.holdOldest(state.rootCp === 0 ? state.afterCp + 1 : state.rootCp);
    try {
      if (state.legCp === 0) state.legCp = held.cp;
      state.rootCp = held.cp;
      if (!(await this.#inodes(held, outcomes))) return;
      if (state.legCp >= state.targetCp) state.phase = 'done';
      Object.assign(state, { afterCp: state.legCp, legCp: 0, rootCp: 0, inode: 0, index: 0 });
    } finally {
      held.leave();
    }
  }

  /** Walks the inode file of a root, and the trees of its inodes from the state's on. */
  #inodes(held: HeldRoot, outcomes: Map<number, HealRecord['outcome']>): Promise<boolean> {
    const { geometry } = this.#subject;
    const { inodesPerBlock } = geometry;
    const place: Place = { store: held.context.cache.store, cp: held.cp, of: 'inodes', inode: 0 };
    return walkBlocks(geometry, held.inodes, {
      afterCp: this.state.afterCp,
      fromIndex: Math.floor(this.state.inode / inodesPerBlock),
      stepBlocks: inodeStepBlocks,
      read: async (step) => {
        if (this.#isSpent) return 'stop';
        const blocks = await this.#read(step, place, outcomes);
        if (step.level > 0) return blocks;
        for (const [position, bytes] of blocks.entries()) {
          const first = step.firstIndices[position]! * inodesPerBlock;
          if (bytes !== undefined && !(await this.#inodeBlock({ bytes, first, place }, outcomes))) return 'stop';
          this.#moveTo({ inode: first + inodesPerBlock, index: 0 });
        }
        return blocks;
      },
    });
  }

  /** Walks the trees of the inodes of one block; false when the stretch ends before. */
  async #inodeBlock(block: { bytes: Uint8Array; first: number; place: Place }, outcomes: Map<number, HealRecord['outcome']>): Promise<boolean> {
    const { state } = this;
    const { bytes, first } = block;
    for (let offset = 0; offset < bytes.length; offset += inodeBytes) {
      const inode = first + offset / inodeBytes;
      if (inode < state.inode) continue;
      const tree = treeAt(bytes, offset);
      if (tree !== undefined) {
        const place: Place = { ...block.place, of: 'file', inode };
        const isDone = await walkBlocks(this.#subject.geometry, tree, {
          afterCp: state.afterCp,
          fromIndex: inode === state.inode ? state.index : 0,
          read: async (step) => {
            if (this.#isSpent) return 'stop';
            const blocks = await this.#read(step, place, outcomes);
            if (step.level === 0) this.#moveTo({ inode, index: step.firstIndices.at(-1)! + 1 });
            return blocks;
          },
        });
        if (!isDone) return false;
      }
      this.#moveTo({ inode: inode + 1, index: 0 });
    }
    return true;
  }

  /** Reads and proves the blocks of a step, and heals or remembers what is bad. */
  async #read(step: WalkStep, place: Place, outcomes: Map<number, HealRecord['outcome']>): Promise<(Uint8Array | undefined)[]> {
    const { pointers } = step;
    const { store } = place;
    const targets: (Uint8Array | undefined)[] = step.firstIndices.map(() => new Uint8Array(store.blockSizeBytes));
    const faults = await store.readTolerant(pointers, targets as Uint8Array[]);
    await Promise.all(
      [...faults.keys()].map(async (position) => {
        const isThere = await store.readElsewhere(pointers, position, targets[position]!);
        if (!isThere) {
          this.#remember(damageOf({ step, position, place }));
          targets[position] = undefined;
        } else if (outcomes.get(pointers.vbn(position)) === 'healed') this.state.healedBlocks++;
        else this.state.servedBlocks++;
      }),
    );
    this.#blocksLeft -= pointers.count;
    this.state.verifiedBlocks += pointers.count - faults.size;
    return targets;
  }

  /** A stretch goes on until it has moved, so that every pass comes to its end. */
  get #isSpent(): boolean {
    return this.#blocksLeft <= 0 && this.#hasMoved;
  }

  #moveTo(to: Partial<Pick<ScrubState, 'inode' | 'index'>>): void {
    Object.assign(this.state, to);
    this.#hasMoved = true;
  }

  #remember(damage: Damage): void {
    const { state } = this;
    if (state.damage.some(({ vbn, birthCp }) => vbn === damage.vbn && birthCp === damage.birthCp)) return;
    state.lostBlocks++;
    if (state.damage.length < damageMax) state.damage.push(damage);
  }
}

function damageOf(met: { step: WalkStep; position: number; place: Place }): Damage {
  const { step, position } = met;
  const { cp, of, inode } = met.place;
  return {
    vbn: step.pointers.vbn(position),
    birthCp: pointerBirth(step.pointers.bytes, position * pointerBytes),
    cp,
    of,
    inode,
    level: step.level,
    firstIndex: step.firstIndices[position]!,
  };
}

/** The tree of an inode in a block that was proven; undefined for none, and for an inode that nothing writes. */
function treeAt(bytes: Uint8Array, offset: number): { slots: Uint8Array; height: number } | undefined {
  try {
    const tree = inodeTreeAt(bytes, offset);
    if (tree === undefined) return undefined;
    return { slots: bytes.subarray(tree.slotsOffset, tree.slotsOffset + inodeSlots * pointerBytes), height: tree.height };
  } catch (fault) {
    if (isFault(fault)) return undefined;
    throw fault;
  }
}
