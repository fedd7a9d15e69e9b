import { bytesEqual } from '../../src-main/base/index.ts';
import { RootRing } from '../../src-main/consistency/index.ts';
import { type Device, DeviceSet } from '../../src-main/device/index.ts';
import { MirrorVolume, type RootView } from '../../src-main/volume/index.ts';
import { Violation } from './history.ts';
import { dumpOf } from './model.ts';

/** Where a primary was when it lost the lead: what it shows as a mirror until it has a root of the new primary. */
export interface OldLine {
  readonly rootBytes: Uint8Array;
  /** The files as of that root. */
  readonly text: string;
  /** What it is called when it is set aside. */
  readonly setAsideName: string;
}

export function isOldRoot(line: OldLine | undefined, rootBytes: Uint8Array | undefined): boolean {
  return line !== undefined && rootBytes !== undefined && bytesEqual(line.rootBytes, rootBytes);
}

/** Proves what a crash would leave of a server that has stepped down, as long as it has no root of the new primary. False once it has one. */
export async function proveOldLine(devices: Device[], line: OldLine): Promise<boolean> {
  const set = await DeviceSet.open(devices);
  const found = await new RootRing(set.rootAreas, set.volumeId).newest();
  if (!isOldRoot(line, found?.bytes)) return false;
  const mirror = await MirrorVolume.stepDown(set, { name: 'copy of the old primary', cacheBytes: 256 << 10, setAsideName: line.setAsideName });
  await proveText(await mirror.openView('last'), line, 'the old primary');
  const { problems } = await mirror.check();
  if (problems.length > 0) throw new Violation(`the old primary's last CP is not whole: ${problems[0]!.message}`);
  return true;
}

/** Proves what was set aside, when it is there. Tells whether it is. */
export async function proveSetAside(mirror: MirrorVolume, line: OldLine): Promise<boolean> {
  if (mirror.setAside?.name !== line.setAsideName) return false;
  await proveText(await mirror.openView({ snapshot: line.setAsideName }), line, 'what was set aside');
  return true;
}

async function proveText(view: RootView, line: OldLine, what: string): Promise<void> {
  const found = (await dumpOf(view)).join('\n');
  await view.close();
  if (found !== line.text) throw new Violation(`${what} does not show what the primary had when it lost the lead`);
}
