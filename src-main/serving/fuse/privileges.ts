import { isFault } from '../../base/index.ts';
import { type Attributes, changeBlocks } from '../../files/index.ts';
import type { ServedFiles } from '../served-files.ts';

const setUserBit = 0o4000;
const setGroupBit = 0o2000;
const groupExecuteBit = 0o010;

/** Where Linux keeps rights that a program file lends. */
const capabilityName = 'security.capability';

/** The mode without the bits that lend the owner's or group's rights; undefined when it has none. */
export function killedMode({ kind, mode }: Pick<Attributes, 'kind' | 'mode'>): number | undefined {
  if (kind !== 'file') return undefined;
  // Without the right to execute, the group's bit means something else, and stays.
  const killed = mode & ~(setUserBit | ((mode & groupExecuteBit) === 0 ? 0 : setGroupBit));
  return killed === mode ? undefined : killed;
}

/** What a directory hands down to what is made in it. */
export function inherited(parent: Pick<Attributes, 'mode' | 'gid'>, made: { mode: number; uid: number; gid: number }, kind: 'file' | 'directory' | 'symlink'): { mode: number; uid: number; gid: number } {
  if ((parent.mode & setGroupBit) === 0) return made;
  return { ...made, gid: parent.gid, mode: kind === 'directory' ? made.mode | setGroupBit : made.mode };
}

/** Whoever changes a program file takes the rights away that it lends. */
export async function dropCapability(files: ServedFiles, ino: number): Promise<void> {
  const isThere = await files.query((reader) => reader.hasExtendedAttributes(ino) && reader.listExtendedAttributes(ino).includes(capabilityName));
  if (!isThere) return;
  try {
    await files.change(changeBlocks.extendedAttribute(files.capacity().blockSizeBytes), (live) => {
      live.removeExtendedAttribute(ino, capabilityName);
    }, { frees: true });
  } catch (fault) {
    // Another writer was first.
    if (!isFault(fault, 'attribute-not-found')) throw fault;
  }
}
