import type { CopyEvent, MirrorpointClient } from '../../../../src-main/contract/index.ts';
import type { InTheWay } from '../restore/collision-rows.ts';
import { type LookAt, placeIn } from './incoming-plan.ts';

/** A file or folder of the machine that a desktop window knows by its path. */
export interface LocalItem {
  /** Absolute, as the machine writes it. */
  readonly local: string;
  readonly name: string;
}

/** The last part of a path of this machine, whichever way it writes them. */
export function localItem(local: string): LocalItem {
  const trimmed = local.replace(/[\\/]+$/, '');
  return { local, name: trimmed.slice(Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('\\')) + 1) };
}

/** Which of the items have something of their name in the folder. What is inside of folders is merged as a whole. */
export async function findTaken(items: readonly LocalItem[], folder: string, lookAt: LookAt): Promise<InTheWay[]> {
  const found: InTheWay[] = [];
  for (const { name } of items) {
    const target = placeIn(folder, name);
    const existing = await lookAt(target);
    if (existing === undefined) continue;
    // What the machine has is not read before it is taken.
    const incoming = { ...existing, modifiedNs: 0n };
    found.push({ path: name, target, incoming, existing, isMerge: true });
  }
  return found;
}

/** Brings one item in by the server itself, and tells how it goes. */
export async function putOne(
  put: MirrorpointClient['files']['put'],
  item: { volume: string; path: string; local: string },
  hear: { signal: AbortSignal; onEvent: (event: CopyEvent) => void },
): Promise<void> {
  for await (const event of await put(item, { signal: hear.signal })) hear.onEvent(event);
}
