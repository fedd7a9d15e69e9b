import { expect, it } from 'vitest';
import { SeededRandom } from '../../src-main/base/index.ts';
import { testSeed } from '../seed.ts';
import { KernelSide, opcodes, requestOf, rootNode, u64 } from './kernel-side.ts';

const requestsOfNoise = 4000;

/** Requests that are nearly right, or wholly wrong: opcodes that there are, with bodies of any bytes. */
function noise(random: SeededRandom, nodes: readonly bigint[]): Buffer {
  const known = Object.values(opcodes);
  const opcode = random.below(20) === 0 ? random.below(1 << 16) : known[random.below(known.length)]!;
  const body = Buffer.from(random.bytes(random.below(200)));
  // Small numbers are handles, offsets and lengths that may exist.
  for (let at = 0; at + 8 <= body.length; at += 8) if (random.below(2) === 0) u64(random.below(50)).copy(body, at);
  if (random.below(2) === 0) body.write('name\0', Math.max(0, body.length - 5), 'latin1');
  const request = requestOf(opcode, nodes[random.below(nodes.length)]!, body, 1 + random.below(1000));
  if (random.below(10) === 0) return request.subarray(0, random.below(request.length));
  return request;
}

it(`noise from the kernel's side is refused or done, and never hangs, crashes or leaves a damaged volume (seed ${testSeed})`, async () => {
  const random = new SeededRandom(testSeed);
  await using kernel = await KernelSide.open();
  const dir = await kernel.mkdir(rootNode, 'dir');
  const file = await kernel.create(dir.node, 'file');
  await kernel.write(file.node, file.handle, 0, Buffer.alloc(10_000, 'x'));
  await kernel.openDirectory(dir.node);
  const nodes = [rootNode, dir.node, file.node, 0n, 77n, file.node + (1n << 48n), 0xffff_ffff_ffff_ffffn];
  const batch: Promise<unknown>[] = [];
  for (let count = 0; count < requestsOfNoise; count++) {
    const done = kernel.session.handle(noise(random, nodes), () => undefined);
    if (done !== undefined) batch.push(done);
    if (count % 50 === 0) await Promise.all(batch.splice(0));
  }
  await Promise.all(batch);
  while (kernel.session.running > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(kernel.faults).toEqual([]);
  expect((await kernel.stat(rootNode)).errno).toBe(0);
  await kernel.session[Symbol.asyncDispose]();
  const { volume } = await kernel.server.engine.shelf.primary('work');
  await volume.takeCp();
  expect((await volume.check()).problems).toEqual([]);
});
