import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCap, type SpaceReport } from '../../src-main/contract/index.ts';
import { partShares, shareWords } from '../../src-renderer/components/bar-parts.ts';
import { capText, droppedWords } from '../../src-renderer/views/volumes/hold-words.ts';
import { findings, passShare, resultWords, stateName } from '../../src-renderer/views/volumes/scrub-words.ts';
import { byUniqueBytes, spaceParts } from '../../src-renderer/views/volumes/space-parts.ts';

function report(holders: SpaceReport['holders']): SpaceReport {
  return { volume: 'work', cp: 9, sizeBytes: 100, usedBytes: 60, liveBytes: 40, keptBytes: 20, freeBytes: 40, snapshots: [], more: false, holders };
}

describe('the parts of a bar', () => {
  it('are as large as their bytes say, and what is there at all can be seen', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 40), { minLength: 1, maxLength: 5 }), (bytes) => {
        const shares = partShares(bytes);
        const total = bytes.reduce((sum, one) => sum + one, 0);
        expect(shares.reduce((sum, one) => sum + one, 0)).toBeCloseTo(total === 0 ? 0 : 1, 9);
        for (const [index, share] of shares.entries()) {
          if (bytes[index] === 0) expect(share).toBe(0);
          else expect(share).toBeGreaterThan(0.003);
        }
      }),
    );
    expect(partShares([30, 70])).toEqual([0.3, 0.7]);
  });

  it('are never said to be nothing or all when they are not', () => {
    expect([shareWords(0, 10), shareWords(1, 1000), shareWords(5, 10), shareWords(999, 1000), shareWords(10, 10)]).toEqual(['0 %', 'under 1 %', '50 %', 'over 99 %', '100 %']);
  });
});

describe('the room of a volume', () => {
  it('is live, in snapshots, held or free, and each byte is in one of them', () => {
    const parts = spaceParts(report([{ kind: 'mirror', address: 'tls://a:1', bytes: 5, sinceCp: 3 }]));
    expect(parts.map(({ label, bytes }) => [label, bytes])).toEqual([['Live files', 40], ['Snapshots', 15], ['Held', 5], ['Free', 40]]);
    expect(new Set(parts.map(({ fill }) => fill)).size).toBe(4);
  });

  it('that two hold together is one part, since each counts what both need', () => {
    const parts = spaceParts(report([{ kind: 'mirror', address: 'a', bytes: 15, sinceCp: 3 }, { kind: 'mirror', address: 'b', bytes: 15, sinceCp: 4 }]));
    expect(parts.map(({ bytes }) => bytes)).toEqual([40, 20, 40]);
  });

  it('lists the snapshots that keep the most first', () => {
    const snapshot = (cp: number, uniqueBytes: number): SpaceReport['snapshots'][number] => ({ names: [`${cp}`], cp, wallMs: 0, holds: [], uniqueBytes });
    expect(byUniqueBytes([snapshot(1, 5), snapshot(2, 9), snapshot(3, 5)]).map(({ cp }) => cp)).toEqual([2, 1, 3]);
  });
});

describe('what is held for a mirror', () => {
  it('has a cap that is written as it is read', () => {
    for (const text of ['default', '15%', '50G', '1536M']) {
      const holdCap = parseCap(text);
      expect(capText(holdCap === undefined ? {} : { holdCap })).toBe(text);
    }
  });

  it('says why it was given up', () => {
    expect(droppedWords({ cp: 7, wallMs: 0, heldBytes: 2048, why: 'full' })).toContain('since CP 7, 2.0 KiB, was given up because writers found no room');
  });
});

describe('a scrub', () => {
  const none = { lostBlocks: 0, healedBlocks: 0, servedBlocks: 0, mendedCopies: 0 };
  const pass = { ...none, startedWallMs: 0, bytesPerSecond: 1, verifiedBlocks: 5, usedBlocks: 10 };

  it('is as far as the blocks that are proven', () => {
    expect([passShare(pass), passShare({ ...pass, verifiedBlocks: 11 }), passShare({ ...pass, usedBlocks: 0, verifiedBlocks: 0 })]).toEqual([0.5, 1, 1]);
  });

  it('tells the worst first, and that all were right', () => {
    expect(findings(none)).toEqual([]);
    expect(findings({ lostBlocks: 1, healedBlocks: 2, servedBlocks: 0, mendedCopies: 1 })).toEqual(['1 block right nowhere', '2 blocks healed from the other side', '1 copy of root node or labels written anew']);
    const last = { ...none, startedWallMs: 0, endedWallMs: 2000, verifiedBlocks: 10, files: [], maps: [] };
    expect(resultWords(last)).toBe('10 blocks proven in 2.0 s; all were right.');
  });

  it('names the states that lost something as people know them', () => {
    expect(['live', 'last', '@monday', 'cp=12'].map(stateName)).toEqual(['now', 'the last CP', 'snapshot monday', 'CP 12']);
  });
});
