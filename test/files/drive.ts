import fc from 'fast-check';
import { expect } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { changeBlocks as cost, type LiveFiles } from '../../src-main/files/index.ts';
import type { ModelNode, PosixModel } from './posix-model.ts';

/** Something that takes changes of files: the room alone, or a whole volume. */
export interface Target {
  readonly blockSizeBytes: number;
  change: <T>(costBlocks: number, operation: (files: LiveFiles) => T) => Promise<T>;
  /** Ends a batch of requests. */
  sync: () => Promise<void>;
  /** Told of the time of the next step. */
  setTime: (nowNs: bigint) => void;
}

const actions = [
  'createFile',
  'createFile',
  'makeDirectory',
  'makeDirectory',
  'symlink',
  'link',
  'unlink',
  'unlink',
  'removeDirectory',
  'rename',
  'rename',
  'exchange',
  'renameNoReplace',
  'write',
  'write',
  'write',
  'truncate',
  'punchHole',
  'setAttributes',
  'setExtendedAttribute',
  'setExtendedAttribute',
  'removeExtendedAttribute',
  'open',
  'close',
  'reclaim',
  'sync',
] as const;

const names = ['a', 'b', 'c', 'ä€😀', 'x'.repeat(255), 'e.txt', '~', 'Ω'];
const attributeNames = ['user.a', 'user.b', `user.${'n'.repeat(250)}`];

export interface Step {
  action: (typeof actions)[number];
  numbers: [number, number, number, number];
}

export const steps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      action: fc.constantFrom(...actions),
      numbers: fc.tuple(fc.nat(1_000_000), fc.nat(1_000_000), fc.nat(1_000_000), fc.nat(1_000_000)),
    }),
    { maxLength, size: 'max' },
  );

const pick = <T>(items: readonly T[], number: number): T => items[number % items.length]!;

/** Applies steps to the files and the model alike; every step must end the same way on both. */
export async function drive(target: Target, model: PosixModel, all: readonly Step[]): Promise<void> {
  for (const [index, step] of all.entries()) {
    const nowNs = BigInt(index + 1);
    model.nowNs = nowNs;
    target.setTime(nowNs);
    await applyStep(target, model, step);
  }
}

async function applyStep(target: Target, model: PosixModel, step: Step): Promise<void> {
  const [p, q, r, s] = step.numbers;
  const parent = p % 20 === 0 ? pick(model.all, q) : pick(model.directories, q);
  const present = [...parent.entries.keys()];
  // Removals and moves mostly meet a name that is there.
  const name = p % 3 !== 0 && present.length > 0 && !step.action.startsWith('make') ? pick(present, r) : pick(names, r);
  const owner = { mode: s % 0o10000, uid: s % 70_000, gid: p % 70_000 };
  const file = pick(model.all.filter((node) => node.kind === 'file'), q) as ModelNode | undefined;
  const any = pick(model.all, q);
  switch (step.action) {
    case 'createFile':
    case 'makeDirectory':
    case 'symlink': {
      if (parent.kind === 'directory' && parent.linkCount === 0) return;
      const text = 'to/'.repeat(s % 1300);
      const make = (files: LiveFiles): number => {
        if (step.action === 'createFile') return files.createFile(parent.ino, name, owner);
        if (step.action === 'makeDirectory') return files.makeDirectory(parent.ino, name, owner);
        return files.symlink(parent.ino, name, `/${text}`, owner);
      };
      const ino = await expectOutcome(target, { cost: cost.symlink, operation: make }, model.mayCreate(parent, name));
      if (ino === undefined) return;
      const kind = step.action === 'createFile' ? 'file' : step.action === 'symlink' ? 'symlink' : 'directory';
      const node = model.add(ino, kind, owner);
      if (kind === 'directory') node.linkCount = 2;
      if (kind === 'symlink') node.target = `/${text}`;
      model.enter(parent, name, node);
      return;
    }
    case 'link': {
      const to = pick(model.directories, p);
      await expectOutcome(target, { cost: cost.create, operation: (files) => files.link(any.ino, to.ino, name) }, model.link(any, to, name));
      return;
    }
    case 'unlink':
      await expectOutcome(target, { cost: cost.remove, operation: (files) => files.unlink(parent.ino, name) }, model.unlink(parent, name));
      return;
    case 'removeDirectory':
      await expectOutcome(target, { cost: cost.remove, operation: (files) => files.removeDirectory(parent.ino, name) }, model.removeDirectory(parent, name));
      return;
    case 'rename':
    case 'exchange':
    case 'renameNoReplace': {
      const from = { parent: parent.ino, name };
      const toParent = pick(model.directories, s);
      const to = { parent: toParent.ino, name: pick(names, p) };
      const options = { noReplace: step.action === 'renameNoReplace', exchange: step.action === 'exchange' };
      const outcome = model.rename({ parent, name }, { parent: toParent, name: to.name }, options);
      await expectOutcome(target, { cost: cost.rename, operation: (files) => files.rename(from, to, options) }, outcome);
      return;
    }
    case 'open':
      await target.change(cost.setAttributes, (files) => files.open(any.ino));
      any.openCount++;
      return;
    case 'close': {
      const opened = model.all.filter((node) => node.openCount > 0);
      if (opened.length === 0) return;
      const node = pick(opened, q);
      await target.change(cost.close, (files) => files.close(node.ino));
      model.close(node);
      return;
    }
    case 'reclaim':
      await target.change(cost.reclaimOrphans, (files) => files.reclaimOrphans(1 + (q % 100)));
      return;
    case 'sync':
      await target.sync();
      return;
    case 'setAttributes': {
      const changes = { mode: s % 0o10000, ...(p % 2 === 0 && { uid: p }), ...(q % 2 === 0 && { modifiedNs: BigInt(r) - 500_000n }) };
      await target.change(cost.setAttributes, (files) => files.setAttributes(any.ino, changes));
      Object.assign(any, changes);
      model.changed(any);
      return;
    }
    case 'setExtendedAttribute':
    case 'removeExtendedAttribute':
      await changeExtended(target, model, { node: any, step });
      return;
    default:
      if (file !== undefined) await changeContent(target, model, { node: file, step });
  }
}

async function changeExtended(target: Target, model: PosixModel, on: { node: ModelNode; step: Step }): Promise<void> {
  const { node, step } = on;
  const [p, , r, s] = step.numbers;
  const name = pick(attributeNames, r);
  if (step.action === 'removeExtendedAttribute') {
    const outcome = node.extended.delete(name) ? undefined : 'attribute-not-found';
    await expectOutcome(target, { cost: cost.extendedAttribute(target.blockSizeBytes), operation: (files) => files.removeExtendedAttribute(node.ino, name) }, outcome);
    if (outcome === undefined) model.changed(node);
    return;
  }
  const value = new Uint8Array(p % 10 === 0 ? 65536 : s % 3000).fill(s);
  await target.change(cost.extendedAttribute(target.blockSizeBytes), (files) => files.setExtendedAttribute(node.ino, name, value));
  node.extended.set(name, value);
  model.changed(node);
}

async function changeContent(target: Target, model: PosixModel, on: { node: ModelNode; step: Step }): Promise<void> {
  const { node, step } = on;
  const [p, , r, s] = step.numbers;
  // Small files and their growing out of the inode matter as much as long ones.
  const offset = p % 3 === 0 ? r % 200 : r % 60_000;
  const length = p % 4 === 0 ? s % 150 : s % 20_000;
  if (step.action === 'write') {
    const bytes = new Uint8Array(length).map((_, index) => index * 7 + s);
    await target.change(cost.write(bytes.length, target.blockSizeBytes), (files) => files.write(node.ino, offset, bytes));
    model.write(node, offset, bytes);
  } else if (step.action === 'truncate') {
    const size = p % 5 === 0 ? 0 : offset;
    await target.change(cost.truncate, (files) => files.truncate(node.ino, size));
    model.truncate(node, size);
  } else {
    await target.change(cost.punchHole, (files) => files.punchHole(node.ino, offset, length));
    model.punch(node, offset, length);
  }
}

async function expectOutcome<T>(
  target: Target,
  change: { cost: number; operation: (files: LiveFiles) => T },
  code: string | undefined,
): Promise<T | undefined> {
  try {
    const result = await target.change(change.cost, change.operation);
    expect(code, 'the change was made, and should have been refused').toBeUndefined();
    return result;
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    expect(thrown.code, thrown.message).toBe(code);
    return undefined;
  }
}
