import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { assert, u48Max } from '../base/index.ts';
import { BodyReader, BodyWriter } from './body.ts';
import { blockSizeBytesMax, changesBytesMax, changesMax, patchBytesMax } from './limits.ts';
import type { BlockChange, ChangesMessage } from './message.ts';
import { rangesOf } from './patch.ts';

/** VBNs are u48, and go round. */
const vbnSpace = u48Max + 1;

const cpRange = { min: 1 };
const countRange = { min: 1, max: changesMax };
const bytesRange = { min: 1, max: changesBytesMax };
const patchRange = { max: patchBytesMax };

/** Enough for the longest list, so that a receiver needs little memory to unpack one. */
const windowLog = 17;
const packing = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: windowLog } };
const unpacking = { params: { [constants.ZSTD_d_windowLogMax]: windowLog } };

/** Pointers have much in common: packed, a list is a half or less, and so short that packing it in between costs nothing. */
export function writeChanges(writer: BodyWriter, { cp, changes }: ChangesMessage): void {
  const list = new BodyWriter('changes');
  let last = { vbn: 0, replacedVbn: 0 };
  for (const change of changes) {
    const { vbn, replacedVbn, replacedBirthCp, patch } = change;
    assert(replacedBirthCp < cp, () => `a block of CP ${cp} replaces none of CP ${replacedBirthCp}`);
    list.u48('a change’s VBN', stepBetween(last.vbn, vbn));
    list.u48('the VBN of what it replaces', stepBetween(last.replacedVbn, replacedVbn));
    list.u48('the birth of what it replaces', replacedBirthCp);
    list.u16('the length of a patch', patch.length, patchRange);
    list.bytes('a patch', patch);
    last = change;
  }
  writer.u48('the CP', cp, cpRange);
  writer.u16('the number of changes', changes.length, countRange);
  writer.u32('the length of the changes', list.body.length, bytesRange);
  const packed = zstdCompressSync(list.body, packing);
  writer.u32('the length of the packed changes', packed.length);
  writer.bytes('the packed changes', packed);
}

export function readChanges(reader: BodyReader): ChangesMessage {
  const cp = reader.u48('the CP', cpRange);
  const count = reader.u16('the number of changes', countRange);
  const list = new BodyReader('changes', unpacked(reader, reader.u32('the length of the changes', bytesRange)));
  const changes: BlockChange[] = [];
  let last = { vbn: 0, replacedVbn: 0 };
  for (let index = 0; index < count; index++) {
    const vbn = afterStep(last.vbn, list.u48('a change’s VBN'));
    const replacedVbn = afterStep(last.replacedVbn, list.u48('the VBN of what it replaces'));
    const replacedBirthCp = list.u48('the birth of what it replaces', { max: cp - 1 });
    const patch = list.bytes('a patch', list.u16('the length of a patch', patchRange));
    if (rangesOf(patch, blockSizeBytesMax) === undefined) list.fail('a patch is cut short, or reaches past the end of its block');
    last = { vbn, replacedVbn };
    changes.push({ ...last, replacedBirthCp, patch });
  }
  list.end();
  return { type: 'changes', cp, changes };
}

/** VBNs follow each other closely, and their steps pack better than they do. */
function stepBetween(from: number, to: number): number {
  return (to - from + vbnSpace) % vbnSpace;
}

function afterStep(from: number, step: number): number {
  return (from + step) % vbnSpace;
}

function unpacked(reader: BodyReader, bytes: number): Uint8Array {
  const packed = reader.bytes('the packed changes', reader.u32('the length of the packed changes'));
  let list: Uint8Array;
  try {
    list = zstdDecompressSync(packed, { ...unpacking, maxOutputLength: bytes });
  } catch {
    return reader.fail('its changes do not unpack');
  }
  if (list.length !== bytes) reader.fail(`its changes unpack to ${list.length} bytes, not to ${bytes}`);
  return new Uint8Array(list.buffer, list.byteOffset, list.length);
}
