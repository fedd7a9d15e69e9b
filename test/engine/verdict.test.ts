import { describe, expect, it } from 'vitest';
import type { RelationshipState } from '../../src-main/contract/index.ts';
import { type MeasuredRelationship, verdictOf } from '../../src-main/engine/verdict.ts';

const takenWallMs = Date.parse('2026-05-01T12:00:00Z');

const equal: MeasuredRelationship = {
  volume: 'work',
  role: 'primary',
  address: 'tls://office:7400',
  state: 'live',
  peerName: 'office',
  primaryCp: 12,
  mirrorCp: 12,
  lagCps: 0,
  lagBytes: 0,
  lagMs: 0,
  lagLimitMs: 90_000,
  apartMs: 0,
  intervalMs: 30_000,
  loseUpToMs: 30_000,
  sentPerSecond: 0,
  receivedPerSecond: 0,
  bytesSent: 5000,
  bytesReceived: 300,
  blocksPushed: 1,
  blocksPulled: 1,
  lastCommittedWallMs: takenWallMs,
  identical: true,
  rootChecksum: '00ff00ff00ff00ff',
};

const behind: Partial<MeasuredRelationship> = { mirrorCp: 10, lagCps: 2, lagMs: 4000, lagBytes: 3 << 20, identical: false };
const apart: Partial<MeasuredRelationship> = { ...behind, state: 'connecting', apartMs: 120_000 };
const mirror: Partial<MeasuredRelationship> = { role: 'mirror', volume: 'copy', intervalMs: 0 };

function said(change: Partial<MeasuredRelationship>): [string, string, string | undefined] {
  const status = { ...equal, ...change };
  if (!(status.state === 'live' || status.state === 'catching-up') || status.intervalMs === 0) delete status.loseUpToMs;
  if (!status.identical) delete status.rootChecksum;
  const { level, sentence, next } = verdictOf(status);
  return [level, sentence, next];
}

describe('the verdict on a relationship', () => {
  it.each<[string, Partial<MeasuredRelationship>, ReturnType<typeof said>]>([
    [
      'that is equal',
      {},
      ['good', 'Up to date: proven identical at CP 12 of 2026-05-01T12:00:00Z, root 00ff00ff00ff00ff; you can lose up to 30 s.', undefined],
    ],
    [
      'that is equal, as its mirror sees it',
      mirror,
      ['good', 'Up to date: proven identical at CP 12 of 2026-05-01T12:00:00Z, root 00ff00ff00ff00ff.', undefined],
    ],
    [
      'that streams',
      { ...behind, sentPerSecond: 2 << 20, catchUpMs: 1500, loseUpToMs: 34_000 },
      [
        'good',
        'Mirroring as changes happen: the mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 4.0 s and 3.0 MiB behind, at 2.0 MiB/s, about 1.5 s left; you can lose up to 34 s.',
        undefined,
      ],
    ],
    [
      'that catches up at an unknown rate',
      { ...behind, state: 'catching-up', lagCps: 1, mirrorCp: 11 },
      ['working', 'Catching up: the mirror stands at CP 11 of 2026-05-01T12:00:00Z, 1 CP, 4.0 s and 3.0 MiB behind; you can lose up to 30 s.', undefined],
    ],
    [
      'that is too far behind',
      { ...behind, state: 'catching-up', lagMs: 100_000 },
      [
        'attention',
        'Too far behind: the mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 1 min 40 s and 3.0 MiB behind; you can lose up to 30 s.',
        'Look whether the line or the mirror is too slow for what changes; the limit is 1 min 30 s.',
      ],
    ],
    [
      'whose roots nobody has compared yet',
      { identical: false },
      ['working', 'Both stand at CP 12; that they are identical is not proven yet; you can lose up to 30 s.', undefined],
    ],
    [
      'that receives its first copy',
      { ...behind, state: 'baseline', mirrorCp: 0, lastCommittedWallMs: 0, lagBytes: 3 * 2 ** 30, sentPerSecond: 100 << 20, catchUpMs: 30_720 },
      ['working', 'The mirror receives its first copy, about 3.0 GiB to go, at 100.0 MiB/s, about 31 s left; until that is whole there is nothing to fall back on.', undefined],
    ],
    [
      'whose base was dropped',
      {
        ...apart,
        state: 'base-dropped',
        hold: {
          heldBytes: 0,
          heldSinceCp: 0,
          heldCapBytes: 2 ** 30,
          baseDropped: { cp: 10, wallMs: takenWallMs, heldBytes: 3 * 2 ** 30, why: 'cap' },
        },
      },
      [
        'attention',
        'Not connected for 2 min 0 s, and nothing is kept for the mirror any more: what was held since CP 10, 3.0 GiB, was given up at 2026-05-01T12:00:00Z, because it reached its cap. ' +
          'The mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 4.0 s and 3.0 MiB behind.',
        'Bring the mirror back: the two are then compared by checksum, and only what differs travels.',
      ],
    ],
    [
      'that is paused',
      { ...behind, state: 'paused' },
      [
        'attention',
        'Paused on request: changes are not mirrored; the mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 4.0 s and 3.0 MiB behind.',
        'Go on by `mirrorpoint resume work tls://office:7400`.',
      ],
    ],
    [
      'that is paused while both were equal',
      { state: 'paused' },
      [
        'attention',
        'Paused on request: changes are not mirrored; the mirror stands at CP 12 of 2026-05-01T12:00:00Z, the last one known.',
        'Go on by `mirrorpoint resume work tls://office:7400`.',
      ],
    ],
    [
      'that just connects',
      { ...apart, apartMs: 200 },
      ['working', 'Connecting to tls://office:7400; the mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 4.0 s and 3.0 MiB behind.', undefined],
    ],
    [
      'whose mirror does not answer',
      { ...apart, reason: 'Nobody listens at tls://office:7400.' },
      [
        'attention',
        'Not connected for 2 min 0 s: Nobody listens at tls://office:7400. The mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 4.0 s and 3.0 MiB behind.',
        'It is tried again by itself, and goes on where it was.',
      ],
    ],
    [
      'whose mirror went away while both were equal',
      { state: 'connecting', apartMs: 120_000 },
      [
        'attention',
        'Not connected for 2 min 0 s: the other server has not answered yet. The mirror stands at CP 12 of 2026-05-01T12:00:00Z, the last one known.',
        'It is tried again by itself, and goes on where it was.',
      ],
    ],
    [
      'that has gone different ways',
      { ...apart, state: 'error', reason: 'The mirror has another CP 12. Nothing was written to it.', code: 'peer-diverged' },
      [
        'problem',
        'Not mirrored, and a person must see to it: The mirror has another CP 12. Nothing was written to it. The mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 4.0 s and 3.0 MiB behind.',
        'It is tried again every half minute; at once by `mirrorpoint resume work tls://office:7400`.',
      ],
    ],
    [
      'without a running server',
      { ...apart, primaryCp: 0, mirrorCp: 0, apartMs: 0, reason: 'The volume is not open in a running server. Start one by `mirrorpoint serve`.' },
      ['attention', 'Not mirrored now: The volume is not open in a running server. Start one by `mirrorpoint serve`.', undefined],
    ],
    [
      'that is paused, without a running server',
      { ...apart, state: 'paused', primaryCp: 0, mirrorCp: 0 },
      [
        'attention',
        'Paused on request: changes are not mirrored; how far the mirror is, is not known at the moment.',
        'Go on by `mirrorpoint resume work tls://office:7400`.',
      ],
    ],
    [
      'whose primary is silent, as its mirror sees it',
      { ...mirror, state: 'connecting', apartMs: 120_000, reason: 'The server ended the link.' },
      [
        'attention',
        'Nothing heard from its primary for 2 min 0 s (The server ended the link): it shows CP 12 of 2026-05-01T12:00:00Z, and what came later is not here.',
        "Look at the primary's server, and at the network between the two.",
      ],
    ],
    [
      'whose primary has just gone, as its mirror sees it',
      { ...mirror, state: 'connecting', apartMs: 100 },
      ['working', 'Waits for its primary; it shows CP 12 of 2026-05-01T12:00:00Z, and what came later is not here.', undefined],
    ],
    [
      'that nobody linked yet, as its mirror sees it',
      { ...mirror, state: 'connecting', primaryCp: 0, mirrorCp: 0, identical: false, apartMs: 100 },
      [
        'attention',
        'Waits at tls://office:7400 for its primary; there is nothing here yet.',
        "On the primary's server: `mirrorpoint link VOLUME ADDRESS`, which leads to 'copy' here.",
      ],
    ],
    [
      'that was refused, as its mirror sees it',
      { ...mirror, ...behind, state: 'error', reason: 'The mirror is too small', code: 'peer-too-small' },
      [
        'problem',
        'Not mirrored, and a person must see to it: The mirror is too small. The mirror stands at CP 10 of 2026-05-01T12:00:00Z, 2 CPs, 4.0 s and 3.0 MiB behind.',
        "It goes on by itself when the primary comes again; look at the primary's server.",
      ],
    ],
  ])('%s', (_name, change, expected) => {
    expect(said(change)).toEqual(expected);
  });

  it('is "up to date" only while the two speak and their roots are proven equal', () => {
    const states: RelationshipState[] = ['connecting', 'baseline', 'catching-up', 'live', 'paused', 'base-dropped', 'error'];
    for (const state of states) {
      for (const role of ['primary', 'mirror'] as const) {
        for (const identical of [true, false]) {
          const [level, sentence] = said({ state, role, identical, apartMs: 60_000 });
          const isEqual = (state === 'live' || state === 'catching-up') && identical;
          expect([state, role, identical, /up to date|identical at/i.test(sentence)]).toEqual([state, role, identical, isEqual]);
          if (level === 'good') expect(isEqual).toBe(true);
        }
      }
    }
  });
});
