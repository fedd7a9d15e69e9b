import { assert } from '../base/index.ts';
import type { BodyReader, BodyWriter } from './body.ts';
import { blockSizeBytesMax, changesMax, patchBytesMax } from './limits.ts';
import type { BlockChange, ChangesMessage } from './message.ts';
import { rangesOf } from './patch.ts';

const cpRange = { min: 1 };
const countRange = { min: 1, max: changesMax };
const patchRange = { max: patchBytesMax };

export function writeChanges(writer: BodyWriter, { cp, changes }: ChangesMessage): void {
  writer.u48('the CP', cp, cpRange);
  writer.u16('the number of changes', changes.length, countRange);
  for (const { vbn, checksum, replacedVbn, replacedBirthCp, patch } of changes) {
    assert(replacedBirthCp < cp, `a block of CP ${cp} replaces none of CP ${replacedBirthCp}`);
    writer.u48('a change’s VBN', vbn);
    writer.u48('the VBN of what it replaces', replacedVbn);
    writer.u48('the birth of what it replaces', replacedBirthCp);
    writer.checksum('a change’s checksum', checksum);
    writer.u16('the length of a patch', patch.length, patchRange);
    writer.bytes('a patch', patch);
  }
}

export function readChanges(reader: BodyReader): ChangesMessage {
  const cp = reader.u48('the CP', cpRange);
  const count = reader.u16('the number of changes', countRange);
  const changes: BlockChange[] = [];
  for (let index = 0; index < count; index++) {
    const vbn = reader.u48('a change’s VBN');
    const replacedVbn = reader.u48('the VBN of what it replaces');
    const replacedBirthCp = reader.u48('the birth of what it replaces', { max: cp - 1 });
    const checksum = reader.checksum('a change’s checksum');
    const patch = reader.bytes('a patch', reader.u16('the length of a patch', patchRange));
    if (rangesOf(patch, blockSizeBytesMax) === undefined) reader.fail('a patch is cut short, or reaches past the end of its block');
    changes.push({ vbn, checksum, replacedVbn, replacedBirthCp, patch });
  }
  return { type: 'changes', cp, changes };
}
