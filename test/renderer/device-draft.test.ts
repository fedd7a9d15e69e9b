import { describe, expect, it } from 'vitest';
import { type Drive, formatBytes, type MachineFolder } from '../../src-main/contract/index.ts';
import {
  bytesOf,
  driveName,
  faultsOfImage,
  type ImageDraft,
  isReady,
  newDevicesOf,
  noDevices,
  noImage,
  roomHint,
  verbFor,
} from '../../src-renderer/views/volumes/device-draft.ts';

const image: ImageDraft = { ...noImage, folder: '/srv', fileName: 'work.img', size: '10G' };

function folder(more: Partial<MachineFolder> = {}): MachineFolder {
  return { path: '/srv', entries: [], more: false, freeBytes: 2 ** 40, isWritable: true, ...more };
}

function drive(more: Partial<Drive> = {}): Drive {
  return {
    path: '/dev/sdx',
    model: 'Disk One',
    serial: 'S-1',
    sizeBytes: 2 ** 40,
    connection: 'usb',
    contents: ['ext4'],
    use: 'content',
    confirmation: 'S-1',
    token: 'token-1',
    ...more,
  };
}

describe('an image that is to be made', () => {
  it('is a file of a size in a folder, and nothing of it is erased', () => {
    const draft = { ...noDevices, kind: 'image', images: [image, { ...image, fileName: 'more.img', size: '1.5G', preallocate: true }] } as const;
    expect(newDevicesOf(draft)).toEqual([
      { path: '/srv/work.img', sizeBytes: 10 * 2 ** 30, preallocate: false, erase: false },
      { path: '/srv/more.img', sizeBytes: 1.5 * 2 ** 30, preallocate: true, erase: false },
    ]);
    expect(bytesOf(draft)).toBe(11.5 * 2 ** 30);
    expect(isReady(draft)).toBe(true);
    expect(verbFor(draft, 'Make the volume')).toBe('Make the volume');
  });

  it('has its path in the way of its machine', () => {
    expect(newDevicesOf({ ...noDevices, kind: 'image', images: [{ ...image, folder: 'D:\\data' }] })?.[0]?.path).toBe('D:\\data\\work.img');
    expect(newDevicesOf({ ...noDevices, kind: 'image', images: [{ ...image, folder: '/' }] })?.[0]?.path).toBe('/work.img');
  });

  it.each([
    [{ folder: 'srv' }, 'folder', "'srv' is not absolute"],
    [{ fileName: 'a/b.img' }, 'fileName', 'is no name of a file'],
    [{ fileName: '..' }, 'fileName', 'is no name of a file'],
    [{ size: 'big' }, 'size', "'big' is no size. Write it like 512M, 10G or 4T."],
    [{ size: '0' }, 'size', 'is no size'],
  ] as const)('with %j is refused where it is typed', (part, field, why) => {
    const draft = { ...image, ...part };
    expect(faultsOfImage(draft, undefined)[field]).toContain(why);
    expect(Object.keys(faultsOfImage(draft, undefined))).toEqual([field]);
  });

  it('is refused where there is a file of that name already, or where the server may not write', () => {
    const entries: MachineFolder['entries'] = [{ name: 'work.img', path: '/srv/work.img', kind: 'file', sizeBytes: 1 }];
    expect(faultsOfImage(image, folder({ entries })).fileName).toContain('attach the volume that is in it');
    expect(faultsOfImage(image, folder({ isWritable: false })).folder).toContain('may not write to /srv');
    expect(faultsOfImage(image, folder())).toEqual({});
  });

  it('with fields that are not filled in yet is not ready, and has no fault', () => {
    expect(faultsOfImage(noImage, undefined)).toEqual({});
    expect([newDevicesOf(noDevices), newDevicesOf({ ...noDevices, kind: 'image' })]).toEqual([undefined, undefined]);
    expect(isReady({ ...noDevices, kind: 'image' })).toBe(false);
  });

  it('is said to be too large for the room that there is, sparse or not', () => {
    expect(roomHint(image, folder(), formatBytes)).toBe('1.0 TiB free in /srv.');
    expect(roomHint(image, folder({ freeBytes: 2 ** 30 }), formatBytes)).toContain('will not be filled to its end here');
    expect(roomHint({ ...image, preallocate: true }, folder({ freeBytes: 2 ** 30 }), formatBytes)).toContain('does not fit');
  });
});

describe('a drive that is to be taken', () => {
  it('is ready only when its confirmation was typed, and is erased by its token', () => {
    const draft = (typed: string): Parameters<typeof isReady>[0] => ({ ...noDevices, kind: 'drive', drives: [{ drive: drive(), typed }] });
    expect(['', 's-1', 'S-', 'S-1 ', 'S-1'].map((typed) => isReady(draft(typed)))).toEqual([false, false, false, true, true]);
    expect(newDevicesOf(draft('S-1'))).toEqual([{ path: '/dev/sdx', preallocate: false, erase: true, token: 'token-1' }]);
  });

  it('that is empty is not to be erased, should it hold anything by then', () => {
    const drives = [{ drive: drive({ use: 'free', contents: [] }), typed: 'S-1' }];
    expect(newDevicesOf({ ...noDevices, kind: 'drive', drives })?.[0]?.erase).toBe(false);
  });

  it('is named on the button', () => {
    const one = { drive: drive(), typed: '' };
    expect(verbFor({ ...noDevices, kind: 'drive', drives: [one] }, 'Make the volume')).toBe('Erase S-1 and make the volume');
    const without = { drive: { ...drive({ path: '/dev/sdy' }), serial: undefined } as unknown as Drive, typed: '' };
    expect(verbFor({ ...noDevices, kind: 'drive', drives: [without] }, 'Make the volume')).toBe('Erase /dev/sdy and make the volume');
    expect(verbFor({ ...noDevices, kind: 'drive', drives: [one, without] }, 'Make the volume')).toBe('Erase 2 drives and make the volume');
    expect([driveName(drive()), driveName(drive({ model: '', serial: '' }))]).toEqual(['Disk One, S-1 (/dev/sdx)', '/dev/sdx']);
  });
});
