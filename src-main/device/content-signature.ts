import { getU16, getU32, toHex } from '../base/index.ts';
import { decodeLabel, type Label, labelBytes, labelOffsetsBytes, looksLikeLabel } from './label.ts';

/** How much of a drive's beginning and end is looked at. */
export const headBytes = 2 * 1_048_576;
export const tailBytes = 1_048_576;
/** Data without a known signature is searched for in this much of the beginning. */
const unknownDataBytes = 1_048_576;

/** What a drive holds, as far as its beginning and end tell. */
export type DriveContents =
  | { readonly kind: 'blank' }
  /** `volumeId`, in hex, where a whole label says it. */
  | { readonly kind: 'mirrorpoint'; readonly volumeId?: string }
  /** A known signature, or data without one; the text says what, for people. */
  | { readonly kind: 'foreign'; readonly what: string };

interface TextSignature {
  readonly what: string;
  readonly offsetBytes: number;
  readonly text: string;
}

const textSignatures: readonly TextSignature[] = [
  { what: 'a LUKS encrypted volume', offsetBytes: 0, text: 'LUKS\xba\xbe' },
  { what: 'a LUKS encrypted volume', offsetBytes: 0x4000, text: 'SKUL\xba\xbe' },
  { what: 'an XFS file system', offsetBytes: 0, text: 'XFSB' },
  { what: 'a Btrfs file system', offsetBytes: 0x10040, text: '_BHRfS_M' },
  { what: 'an NTFS file system', offsetBytes: 3, text: 'NTFS    ' },
  { what: 'an exFAT file system', offsetBytes: 3, text: 'EXFAT   ' },
  { what: 'a ReFS file system', offsetBytes: 3, text: 'ReFS\0' },
  { what: 'a BitLocker volume', offsetBytes: 3, text: '-FVE-FS-' },
  { what: 'an APFS container', offsetBytes: 32, text: 'NXSB' },
  { what: 'a FAT file system', offsetBytes: 54, text: 'FAT1' },
  { what: 'a FAT file system', offsetBytes: 82, text: 'FAT32' },
  { what: 'an HFS+ file system', offsetBytes: 1024, text: 'H+\0' },
  { what: 'swap space', offsetBytes: 4086, text: 'SWAPSPACE2' },
  { what: 'swap space', offsetBytes: 4086, text: 'SWAP-SPACE' },
  { what: 'an ISO 9660 file system', offsetBytes: 0x8001, text: 'CD001' },
  { what: 'a SquashFS file system', offsetBytes: 0, text: 'hsqs' },
  { what: 'a bcache device', offsetBytes: 4120, text: '\xc6\x85\x73\xf6\x4e\x1a\x45\xca' },
  { what: 'an LVM physical volume', offsetBytes: 0, text: 'LABELONE' },
  { what: 'an LVM physical volume', offsetBytes: 512, text: 'LABELONE' },
  { what: 'an LVM physical volume', offsetBytes: 1024, text: 'LABELONE' },
  { what: 'an LVM physical volume', offsetBytes: 1536, text: 'LABELONE' },
  // A protective MBR stands before both; the sector is 512 or 4096 bytes.
  { what: 'a GPT partition table', offsetBytes: 512, text: 'EFI PART' },
  { what: 'a GPT partition table', offsetBytes: 4096, text: 'EFI PART' },
];

/** Offsets, values and lengths are those that libblkid (util-linux) and the formats' own documents give. */
const numberSignatures: readonly { what: string; offsetBytes: number; value: number }[] = [
  { what: 'an F2FS file system', offsetBytes: 1024, value: 0xf2f52010 },
  { what: 'a RAID member', offsetBytes: 0, value: 0xa92b4efc },
  { what: 'a RAID member', offsetBytes: 4096, value: 0xa92b4efc },
];

const extMagicOffset = 1024 + 56;
const zfsUberblocksOffset = 128 * 1024;
const zfsLabelBytes = 256 * 1024;
const zfsUberblockMagic = 0x00bab10c;

function hasText(bytes: Uint8Array, offsetBytes: number, text: string): boolean {
  if (offsetBytes < 0 || offsetBytes + text.length > bytes.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[offsetBytes + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

function hasNumber(bytes: Uint8Array, offsetBytes: number, value: number): boolean {
  return offsetBytes >= 0 && offsetBytes + 4 <= bytes.length && getU32(bytes, offsetBytes) === value;
}

/** ZFS keeps rings of uberblocks in four labels: two at the beginning and two at the end. */
function hasZfs(bytes: Uint8Array, labelStarts: readonly number[]): boolean {
  for (const start of labelStarts) {
    for (let at = zfsUberblocksOffset; at < zfsLabelBytes; at += 1024) {
      if (hasNumber(bytes, start + at, zfsUberblockMagic)) return true;
      // Written by a machine of the other byte order.
      if (hasText(bytes, start + at, '\0\0\0\0\0\xba\xb1\x0c')) return true;
    }
  }
  return false;
}

function hasPartitions(head: Uint8Array): boolean {
  if (head.length < 512 || head[510] !== 0x55 || head[511] !== 0xaa) return false;
  for (let entry = 446; entry < 510; entry += 16) if (head[entry + 4] !== 0) return true;
  return false;
}

function tailSignature(tail: Uint8Array, sizeBytes: number): string | undefined {
  const end = tail.length;
  if (hasText(tail, end - 512, 'EFI PART') || hasText(tail, end - 4096, 'EFI PART')) return 'a GPT partition table';
  const startOfTail = sizeBytes - end;
  const lastZfsLabels = Math.floor(sizeBytes / zfsLabelBytes) * zfsLabelBytes - startOfTail;
  if (hasZfs(tail, [lastZfsLabels - 2 * zfsLabelBytes, lastZfsLabels - zfsLabelBytes])) return 'a ZFS pool';
  // Version 0.90 lies in the last whole 64 KiB but one, version 1.0 eight KiB before the end.
  const raidOld = Math.floor(sizeBytes / 65_536) * 65_536 - 65_536 - startOfTail;
  const raidNew = Math.floor((sizeBytes - 8192) / 4096) * 4096 - startOfTail;
  const isRaid = [raidOld, raidNew].some((at) => hasNumber(tail, at, 0xa92b4efc));
  return isRaid ? 'a RAID member' : undefined;
}

/**
 * Says what a drive holds from its first `headBytes` and last `tailBytes` (or
 * all of it, where it is smaller). A drive with a label of ours is ours, even
 * where an older signature survives beside it.
 */
export function recogniseContents(head: Uint8Array, tail: Uint8Array, sizeBytes: number): DriveContents {
  const ours = labelOffsetsBytes.some((at) => at + 8 <= head.length && looksLikeLabel(head.subarray(at, at + 8)));
  if (ours) return { kind: 'mirrorpoint', ...volumeIdIn(head) };
  const known =
    textSignatures.find(({ offsetBytes, text }) => hasText(head, offsetBytes, text))?.what ??
    numberSignatures.find(({ offsetBytes, value }) => hasNumber(head, offsetBytes, value))?.what ??
    (head.length >= 1100 && getU16(head, extMagicOffset) === 0xef53 ? 'an ext2, ext3 or ext4 file system' : undefined) ??
    (hasZfs(head, [0, zfsLabelBytes]) ? 'a ZFS pool' : undefined) ??
    (hasPartitions(head) ? 'an MBR partition table' : undefined) ??
    tailSignature(tail, sizeBytes);
  if (known) return { kind: 'foreign', what: known };
  const first = head.subarray(0, unknownDataBytes);
  if (first.some((byte) => byte !== 0)) return { kind: 'foreign', what: 'data without a known signature' };
  return { kind: 'blank' };
}

/** The volume that the newer of the label's copies names. */
function volumeIdIn(head: Uint8Array): { volumeId?: string } {
  const labels = labelOffsetsBytes.flatMap((at): Label[] => {
    if (at + labelBytes > head.length) return [];
    const reading = decodeLabel(head.subarray(at, at + labelBytes));
    return reading.kind === 'label' ? [reading.label] : [];
  });
  const newest = labels.reduce<Label | undefined>((best, label) => (best !== undefined && best.set.generation >= label.set.generation ? best : label), undefined);
  return newest === undefined ? {} : { volumeId: toHex(newest.set.volumeId) };
}

/** The contents in words for people. */
export function contentsText(contents: DriveContents): string {
  if (contents.kind === 'blank') return 'nothing';
  return contents.kind === 'mirrorpoint' ? 'a device of a Mirrorpoint volume' : contents.what;
}
