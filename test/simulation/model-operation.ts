import { isFault, type SeededRandom } from '../../src-main/base/index.ts';
import { changeBlocks, type LiveFiles } from '../../src-main/files/index.ts';
import type { FileModel, Place } from './model.ts';

/** A change that a simulated client asks for. Bytes are named by a seed, so that a change prints short. */
export type ModelOperation =
  | { kind: 'create' | 'mkdir'; at: Place; mode: number }
  | { kind: 'symlink'; at: Place; target: string }
  | { kind: 'link'; ino: number; at: Place }
  | { kind: 'unlink' | 'rmdir'; at: Place }
  | { kind: 'rename'; from: Place; to: Place }
  | { kind: 'write'; ino: number; offsetBytes: number; lengthBytes: number; seed: number }
  | { kind: 'truncate'; ino: number; sizeBytes: number }
  | { kind: 'punch'; ino: number; offsetBytes: number; lengthBytes: number }
  | { kind: 'setMode'; ino: number; mode: number }
  | { kind: 'setAttribute'; ino: number; name: string; lengthBytes: number; seed: number }
  | { kind: 'removeAttribute'; ino: number; name: string };

/** How large the files of a workload get. */
export interface WorkloadShape {
  filesMax: number;
  fileBytesMax: number;
  writeBytesMax: number;
}

export const smallShape: WorkloadShape = { filesMax: 12, fileBytesMax: 120_000, writeBytesMax: 30_000 };

/** Bytes that a seed stands for; no two seeds give the same. */
export function bytesOf(seed: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  const words = new Uint32Array(bytes.buffer, 0, lengthBytes >>> 2);
  let state = (Math.imul(seed, 0x9e3779b1) ^ lengthBytes) >>> 0;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = state;
  }
  for (let index = words.length * 4; index < lengthBytes; index++) bytes[index] = (seed >>> (index % 4)) + index;
  return bytes;
}

/** A change that the model allows just now, most of the time. */
export function nextOperation(random: SeededRandom, model: FileModel, shape: WorkloadShape): ModelOperation {
  for (;;) {
    const operation = draw(random, model, shape);
    if (operation !== undefined) return operation;
  }
}

type Draw = (random: SeededRandom, model: FileModel, shape: WorkloadShape) => ModelOperation | undefined;

const draws: readonly (readonly [weight: number, Draw])[] = [
  [5, (random, model, shape) => {
    if (model.inodes.size > shape.filesMax) return undefined;
    return { kind: 'create', at: freePlace(random, model), mode: 0o600 + random.below(64) };
  }],
  [2, (random, model, shape) => {
    if (model.of('directory').length > shape.filesMax / 3) return undefined;
    return { kind: 'mkdir', at: freePlace(random, model), mode: 0o755 };
  }],
  [1, (random, model, shape) => {
    if (model.inodes.size > shape.filesMax) return undefined;
    const target = random.chance(0.2) ? `long/${'target/'.repeat(40)}` : `target ${random.below(100)}`;
    return { kind: 'symlink', at: freePlace(random, model), target };
  }],
  [1, (random, model) => {
    const ino = fileOf(random, model);
    return ino === undefined ? undefined : { kind: 'link', ino, at: freePlace(random, model) };
  }],
  [3, (random, model) => {
    const at = usedPlace(random, model);
    if (at === undefined) return undefined;
    const inode = model.at(at.parent, at.name)!;
    if (inode.kind !== 'directory') return { kind: 'unlink', at };
    return inode.entries.size === 0 ? { kind: 'rmdir', at } : undefined;
  }],
  [4, (random, model) => {
    const from = usedPlace(random, model);
    if (from === undefined) return undefined;
    const over = random.chance(0.5) ? usedPlace(random, model) : undefined;
    return { kind: 'rename', from, to: over ?? freePlace(random, model) };
  }],
  [12, (random, model, shape) => {
    const ino = fileOf(random, model);
    if (ino === undefined) return undefined;
    const lengthBytes = 1 + random.below(random.chance(0.4) ? 200 : shape.writeBytesMax);
    const sizeBytes = model.get(ino).content.length;
    const roomBytes = shape.fileBytesMax - lengthBytes;
    const offsetBytes = random.chance(0.4) ? Math.min(sizeBytes, roomBytes) : random.below(roomBytes);
    return { kind: 'write', ino, offsetBytes, lengthBytes, seed: random.below(2 ** 31) };
  }],
  [2, (random, model, shape) => {
    const ino = fileOf(random, model);
    if (ino === undefined) return undefined;
    const sizeBytes = random.chance(0.3) ? 0 : random.below(random.chance(0.3) ? 200 : shape.fileBytesMax);
    return { kind: 'truncate', ino, sizeBytes };
  }],
  [1, (random, model) => {
    const ino = fileOf(random, model);
    if (ino === undefined || model.get(ino).content.length === 0) return undefined;
    const offsetBytes = random.below(model.get(ino).content.length);
    return { kind: 'punch', ino, offsetBytes, lengthBytes: 1 + random.below(20_000) };
  }],
  [1, (random, model) => {
    return { kind: 'setMode', ino: random.pick([...model.inodes.keys()]), mode: random.below(0o1000) };
  }],
  [2, (random, model) => {
    const ino = random.pick([...model.inodes.keys()]);
    const lengthBytes = random.below(random.chance(0.2) ? 6000 : 60);
    return { kind: 'setAttribute', ino, name: `user.${random.below(4)}`, lengthBytes, seed: random.below(2 ** 31) };
  }],
  [1, (random, model) => {
    const holders = [...model.inodes.values()].filter(({ attributes }) => attributes.size > 0);
    if (holders.length === 0) return undefined;
    const { ino, attributes } = random.pick(holders);
    return { kind: 'removeAttribute', ino, name: random.pick([...attributes.keys()]) };
  }],
];

const weights = draws.reduce((sum, [weight]) => sum + weight, 0);

function draw(random: SeededRandom, model: FileModel, shape: WorkloadShape): ModelOperation | undefined {
  let left = random.below(weights);
  for (const [weight, make] of draws) {
    if (left < weight) return make(random, model, shape);
    left -= weight;
  }
  return undefined;
}

function fileOf(random: SeededRandom, model: FileModel): number | undefined {
  const files = model.of('file');
  return files.length === 0 ? undefined : random.pick(files).ino;
}

function freePlace(random: SeededRandom, model: FileModel): Place {
  const parent = random.pick(model.of('directory')).ino;
  return { parent, name: `n${random.below(1_000_000)}${random.chance(0.1) ? 'ü'.repeat(60) : ''}` };
}

function usedPlace(random: SeededRandom, model: FileModel): Place | undefined {
  const directories = model.of('directory').filter(({ entries }) => entries.size > 0);
  if (directories.length === 0) return undefined;
  const { ino, entries } = random.pick(directories);
  return { parent: ino, name: random.pick([...entries.keys()]) };
}

/** Room in memory that a change needs at most, in blocks. */
export function costOf(operation: ModelOperation, blockSizeBytes: number): number {
  switch (operation.kind) {
    case 'create':
    case 'mkdir':
    case 'link':
      return changeBlocks.create;
    case 'symlink':
      return changeBlocks.symlink;
    case 'unlink':
    case 'rmdir':
      return changeBlocks.remove;
    case 'rename':
      return changeBlocks.rename;
    case 'write':
      return changeBlocks.write(operation.lengthBytes, blockSizeBytes);
    case 'truncate':
      return changeBlocks.truncate;
    case 'punch':
      return changeBlocks.punchHole;
    case 'setMode':
      return changeBlocks.setAttributes;
    case 'setAttribute':
    case 'removeAttribute':
      return changeBlocks.extendedAttribute(blockSizeBytes);
  }
}

/** Carries a change out on a volume; returns the inode number of what it made. */
export function perform(operation: ModelOperation, files: LiveFiles): number {
  const owner = { uid: 0, gid: 0 };
  switch (operation.kind) {
    case 'create':
      return files.createFile(operation.at.parent, operation.at.name, { mode: operation.mode, ...owner });
    case 'mkdir':
      return files.makeDirectory(operation.at.parent, operation.at.name, { mode: operation.mode, ...owner });
    case 'symlink':
      return files.symlink(operation.at.parent, operation.at.name, operation.target, { mode: 0o777, ...owner });
    case 'link':
      files.link(operation.ino, operation.at.parent, operation.at.name);
      return 0;
    case 'unlink':
      files.unlink(operation.at.parent, operation.at.name);
      return 0;
    case 'rmdir':
      files.removeDirectory(operation.at.parent, operation.at.name);
      return 0;
    case 'rename':
      files.rename(operation.from, operation.to);
      return 0;
    case 'write':
      files.write(operation.ino, operation.offsetBytes, bytesOf(operation.seed, operation.lengthBytes));
      return 0;
    case 'truncate':
      files.truncate(operation.ino, operation.sizeBytes);
      return 0;
    case 'punch':
      files.punchHole(operation.ino, operation.offsetBytes, operation.lengthBytes);
      return 0;
    case 'setMode':
      files.setAttributes(operation.ino, { mode: operation.mode });
      return 0;
    case 'setAttribute':
      files.setExtendedAttribute(operation.ino, operation.name, bytesOf(operation.seed, operation.lengthBytes));
      return 0;
    case 'removeAttribute':
      files.removeExtendedAttribute(operation.ino, operation.name);
      return 0;
  }
}

/** Carries out on the model what a volume has done. */
export function applyTo(model: FileModel, operation: ModelOperation, done: { ino: number; nowNs: bigint }): void {
  const { ino, nowNs } = done;
  // A file without a name that is still open: nobody finds it again, so the model has let it go.
  if ('ino' in operation && !model.inodes.has(operation.ino)) return;
  switch (operation.kind) {
    case 'create':
      model.make(operation.at, { ino, kind: 'file', mode: operation.mode }, nowNs);
      break;
    case 'mkdir':
      model.make(operation.at, { ino, kind: 'directory', mode: operation.mode }, nowNs);
      break;
    case 'symlink':
      model.make(operation.at, { ino, kind: 'symlink', mode: 0o777, target: operation.target }, nowNs);
      break;
    case 'link':
      model.link(operation.ino, operation.at, nowNs);
      break;
    case 'unlink':
    case 'rmdir':
      model.remove(operation.at, nowNs);
      break;
    case 'rename':
      model.rename(operation.from, operation.to, nowNs);
      break;
    case 'write':
      model.write(operation.ino, operation.offsetBytes, bytesOf(operation.seed, operation.lengthBytes), nowNs);
      break;
    case 'truncate':
      model.truncate(operation.ino, operation.sizeBytes, nowNs);
      break;
    case 'punch':
      model.punchHole(operation.ino, operation, nowNs);
      break;
    case 'setMode':
      model.setMode(operation.ino, operation.mode);
      break;
    case 'setAttribute':
      model.setAttribute(operation.ino, operation.name, bytesOf(operation.seed, operation.lengthBytes));
      break;
    case 'removeAttribute':
      model.setAttribute(operation.ino, operation.name, undefined);
  }
}

/** Faults with which a volume refuses a change that makes no sense: names taken, directories into themselves. */
export function isRefusal(thrown: unknown): boolean {
  if (!isFault(thrown)) return false;
  const refusals = ['not-found', 'exists', 'not-a-directory', 'is-a-directory', 'directory-not-empty', 'argument-invalid'];
  return refusals.includes(thrown.code) || thrown.code === 'attribute-not-found';
}

export function isFull(thrown: unknown): boolean {
  return isFault(thrown, 'volume-full');
}
