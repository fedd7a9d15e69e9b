import { describe, expect, it } from 'vitest';
import { contentsText, headBytes, recogniseContents, tailBytes } from '../../src-main/device/content-signature.ts';

const sizeBytes = 64 * 1_048_576 + 8 * 65_536 + 512;

/** A drive of zeros but for the bytes given, each at its place on the drive. */
function contentsOf(...placed: [offsetBytes: number, bytes: string][]): string {
  const head = new Uint8Array(headBytes);
  const tail = new Uint8Array(tailBytes);
  for (const [offsetBytes, text] of placed) {
    const bytes = Buffer.from(text, 'latin1');
    if (offsetBytes < headBytes) head.set(bytes, offsetBytes);
    else tail.set(bytes, offsetBytes - (sizeBytes - tailBytes));
  }
  return contentsText(recogniseContents(head, tail, sizeBytes));
}

const raidMagic = '\xfc\x4e\x2b\xa9';
const zfsMagic = '\x0c\xb1\xba\0\0\0\0\0';
const kibibyte = 1024;

describe('what a drive holds', () => {
  const known: [string, number, string][] = [
    ['Btrfs', 65_600, '_BHRfS_M'],
    ['XFS', 0, 'XFSB'],
    ['NTFS', 3, 'NTFS    '],
    ['exFAT', 3, 'EXFAT   '],
    ['FAT', 82, 'FAT32   '],
    ['FAT', 54, 'FAT16   '],
    ['LUKS', 0, 'LUKS\xba\xbe\0\x02'],
    ['LVM', 512, 'LABELONE'],
    ['ext', 1080, '\x53\xef'],
    ['swap', 4086, 'SWAPSPACE2'],
    ['APFS', 32, 'NXSB'],
    ['F2FS', 1024, '\x10\x20\xf5\xf2'],
    ['GPT', 512, 'EFI PART'],
    ['GPT', 4096, 'EFI PART'],
    ['GPT', sizeBytes - 512, 'EFI PART'],
    ['MBR', 446, `${'\0'.repeat(4)}\x83${'\0'.repeat(59)}\x55\xaa`],
    ['RAID', 4096, raidMagic],
    ['RAID', Math.floor(sizeBytes / 65_536) * 65_536 - 65_536, raidMagic],
    ['RAID', Math.floor((sizeBytes - 8192) / 4096) * 4096, raidMagic],
    ['ZFS', 128 * kibibyte, zfsMagic],
    ['ZFS', 256 * kibibyte + 130 * kibibyte, zfsMagic],
    ['ZFS', 128 * kibibyte, '\0\0\0\0\0\xba\xb1\x0c'],
    ['ZFS', Math.floor(sizeBytes / 262_144) * 262_144 - 128 * kibibyte, zfsMagic],
    ['data without a known signature', 1_048_575, 'x'],
  ];
  for (const [what, offsetBytes, bytes] of known) {
    it(`is ${what} by the bytes at ${offsetBytes}`, () => {
      expect(contentsOf([offsetBytes, bytes])).toContain(what);
    });
  }

  it('is nothing when the beginning is zeros and no signature is found', () => {
    expect(contentsOf()).toBe('nothing');
  });

  it('is ours by either copy of the label, even where an older signature survives', () => {
    expect(contentsOf([0, 'MIRPTLBL'], [sizeBytes - 512, 'EFI PART'])).toContain('Mirrorpoint');
    expect(contentsOf([0, 'XFSB'], [17 * 65_536, 'MIRPTLBL'])).toContain('Mirrorpoint');
  });

  it('is looked for on drives smaller than the places of the signatures', () => {
    for (const size of [512, 1024, 4096, 65_536]) {
      const bytes = new Uint8Array(size);
      expect(recogniseContents(bytes, bytes, size)).toEqual({ kind: 'blank' });
    }
  });
});
