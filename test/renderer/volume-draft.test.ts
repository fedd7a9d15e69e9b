import { describe, expect, it } from 'vitest';
import { createVolumeSchema, MirrorpointError, type ServerStatus } from '../../src-main/contract/index.ts';
import { noImage } from '../../src-renderer/views/volumes/device-draft.ts';
import { emptyDraft, faultOfListen, faultOfName, isStepReady, proposedListen, requestOf, stepOfFault, type VolumeDraft } from '../../src-renderer/views/volumes/volume-draft.ts';

const devices = { kind: 'image', images: [{ ...noImage, folder: '/srv', fileName: 'work.img', size: '1G' }], drives: [] } as const;

function draft(more: Partial<VolumeDraft> = {}): VolumeDraft {
  return { ...emptyDraft('primary'), name: 'work', devices, ...more };
}

function volumes(...names: readonly { name: string; cloneOf?: string; listen?: string[] }[]): ServerStatus['volumes'] {
  return names.map((one) => ({ role: 'primary', state: 'open', devices: [], listen: [], cpIntervalMs: 1000, durability: 'sync', ...one }));
}

describe('a new volume', () => {
  it('is ordered as the contract takes it', () => {
    const request = requestOf(draft({ interval: '5m', durability: 'request', discard: true, journal: '64M', blockSizeBytes: 8192 }));
    expect(createVolumeSchema.parse(request)).toMatchObject({
      name: 'work',
      role: 'primary',
      devices: [{ path: '/srv/work.img', sizeBytes: 2 ** 30, erase: false }],
      cpIntervalMs: 300_000,
      durability: 'request',
      discard: true,
      journalBytes: 64 << 20,
      blockSizeBytes: 8192,
      listen: [],
    });
  });

  it('that is a mirror follows whom it was told to, waits somewhere, and gives no room back', () => {
    const request = requestOf(draft({ role: 'mirror', listen: ' tls://0.0.0.0:7400 ', from: 'ab', discard: true }));
    expect(request).toMatchObject({ role: 'mirror', listen: ['tls://0.0.0.0:7400'], from: 'ab', discard: false });
    expect(requestOf(draft({ from: 'ab' }))).not.toHaveProperty('from');
  });

  it('goes from step to step as each is filled in', () => {
    expect(isStepReady('purpose', draft({ role: undefined }), [])).toBe(false);
    expect(isStepReady('purpose', draft({ name: '' }), [])).toBe(false);
    expect(isStepReady('purpose', draft(), volumes({ name: 'work' }))).toBe(false);
    expect(isStepReady('devices', draft({ devices: { kind: undefined, images: [], drives: [] } }), [])).toBe(false);
    expect(isStepReady('promises', draft({ interval: '500ms' }), [])).toBe(false);
    expect(isStepReady('promises', draft({ interval: '25h' }), [])).toBe(false);
    expect(isStepReady('promises', draft({ journal: 'much' }), [])).toBe(false);
    expect(isStepReady('promises', draft({ role: 'mirror', listen: '' }), [])).toBe(false);
    expect(isStepReady('review', draft({ interval: 'off' }), [])).toBe(true);
    expect(requestOf(draft({ role: undefined }))).toBeUndefined();
  });

  it('is refused a name that is taken or cannot be one, in words of the command line', () => {
    expect(faultOfName('work', volumes({ name: 'work' }))).toBe("There is a volume 'work' here already. Choose another name, or detach it first.");
    expect(faultOfName('trial', volumes({ name: 'trial', cloneOf: 'work' }))).toContain("a clone 'trial'");
    expect(faultOfName('../x', [])).toContain('a name is 1 to 63 letters');
    expect([faultOfName('', []), faultOfName('work-2', volumes({ name: 'work' }))]).toEqual([undefined, undefined]);
  });

  it('waits at the first port that no other volume has', () => {
    expect(proposedListen([])).toBe('tls://0.0.0.0:7400');
    expect(proposedListen([{ listen: ['tls://127.0.0.1:7400'] }, { listen: ['ipc://office', 'tls://[::]:7401'] }])).toBe('tls://0.0.0.0:7402');
  });

  it.each(['tls://0.0.0.0:7400', 'tls://[::]:7400', 'tls://mirror.example.org:1', 'tcp://127.0.0.1:7400', 'ipc://office', ''])('may wait at %s', (address) => {
    expect(faultOfListen(address)).toBeUndefined();
  });

  it.each(['0.0.0.0:7400', 'tls://0.0.0.0', 'tls://host:123456', 'tls://a b:1', 'http://host:1', 'ipc://../x'])('may not wait at %s', (address) => {
    expect(faultOfListen(address)).toContain(`'${address}' is no usable address`);
  });

  it('that the server refuses is shown where the reason is', () => {
    const step = (code: ConstructorParameters<typeof MirrorpointError>[0]): string => stepOfFault(new MirrorpointError(code, ''));
    expect(step('volume-exists')).toBe('purpose');
    expect(['device-full', 'device-has-content', 'device-changed', 'exists', 'volume-in-use', 'not-permitted'].map((code) => step(code as 'exists'))).toEqual(Array(6).fill('devices'));
    expect([step('address-in-use'), step('peer-unknown'), step('settings-invalid')]).toEqual(['promises', 'promises', 'review']);
  });
});
