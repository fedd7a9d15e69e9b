import { expect, test } from 'vitest';
import { type LineUse, type PackingTrial, PackingPolicy } from '../../src-main/replication/packing-policy.ts';

const mib = 2 ** 20;

/** Packs 300 MiB per second to a third. */
const good: PackingTrial = { bytes: 128 << 10, packedBytes: 43 << 10, tookMs: 125 / 300 };
const noise: PackingTrial = { ...good, packedBytes: good.bytes };

/** A line that is busy all the time and takes so many MiB per second. */
function busyLine(mibPerSecond: number): LineUse {
  return { bytes: mibPerSecond * mib, busyMs: 1000, elapsedMs: 1000 };
}

/** A fast line with so much to do in each second. */
function quietLine(mibPerSecond: number): LineUse {
  return { bytes: mibPerSecond * mib, busyMs: mibPerSecond / 2, elapsedMs: 1000 };
}

function policyAfter(trial: PackingTrial, line: LineUse): PackingPolicy {
  const policy = new PackingPolicy();
  policy.choose();
  policy.noteTrial(trial);
  policy.noteLine(line);
  return policy;
}

test('nothing is packed before it was tried and the line was seen', () => {
  const policy = new PackingPolicy();
  expect(policy.choose()).toBe('try');
  policy.noteTrial(good);
  expect(policy.choose()).not.toBe('pack');
  policy.noteLine(busyLine(10));
  expect(policy.choose()).toBe('pack');
});

test.each<[string, PackingTrial, LineUse, boolean]>([
  ['a slow line', good, busyLine(10), true],
  ['a line that packing can fill', good, busyLine(140), true],
  ['a line nearly as fast as packing', good, busyLine(200), false],
  ['a loopback', good, busyLine(2000), false],
  ['a loopback with little to do', good, quietLine(5), true],
  ['a loopback with much to do', good, quietLine(100), false],
  ['a fast line under a limit', good, { ...quietLine(100), bytesPerSecondMax: 100 * mib }, true],
  ['noise on a slow line', noise, busyLine(1), false],
  ['content that saves a twentieth', { ...good, packedBytes: good.bytes * 0.95 }, busyLine(1), false],
])('what is sent over %s', (_, trial, line, isPacked) => {
  const policy = policyAfter(trial, line);
  for (let count = 0; count < 100; count++) expect(policy.choose() === 'pack').toBe(isPacked);
});

test('content that cannot be packed costs one trial of a part in sixteen messages', () => {
  const policy = new PackingPolicy();
  policy.noteLine(busyLine(10));
  const choices = Array.from({ length: 1000 }, () => {
    const choice = policy.choose();
    if (choice === 'try') policy.noteTrial(noise);
    return choice;
  });
  expect(choices).not.toContain('pack');
  expect(choices.filter((choice) => choice === 'try').length).toBeLessThan(1000 / 16 + 6);
});

test('content that changes is found out within a few trials, either way', () => {
  const policy = policyAfter(noise, busyLine(10));
  let sent = 0;
  for (; policy.choose() !== 'pack'; sent++) policy.noteTrial(good);
  expect(sent).toBeLessThan(64);
  for (sent = 0; policy.choose() === 'pack'; sent++) policy.noteTrial(noise);
  expect(sent).toBeLessThan(6);
});

test('a line that becomes fast or slow changes the choice at the next look at it', () => {
  const policy = policyAfter(good, busyLine(10));
  expect(policy.choose()).toBe('pack');
  policy.noteLine(busyLine(1000));
  expect(policy.choose()).not.toBe('pack');
  policy.noteLine(busyLine(20));
  expect(policy.choose()).toBe('pack');
});

test('the choice stands still on a line whose speed does not change, although packing fills it less', () => {
  // What a line of 100 MiB per second takes while everything is packed: no more than packing gives.
  const policy = policyAfter(good, busyLine(100));
  for (let second = 0; second < 20; second++) {
    expect(policy.choose()).toBe('pack');
    policy.noteTrial(good);
    policy.noteLine({ bytes: 100 * mib, busyMs: 1000, elapsedMs: 1000 });
  }
});
