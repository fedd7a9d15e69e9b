import { join } from 'node:path';
import type { Place } from '../shells/server-process.ts';
import { invite } from './pairing-commands.ts';
import { placeIn, succeed } from './scenario-place.ts';
import type { TestHost } from './two-hosts.ts';

/** Where servers of tests listen; each has an address of its own. */
export const port = 7400;

/** A configuration folder on a host. */
export function placeOn(host: TestHost, folder: string, name: string): Place {
  return { ...placeIn(folder, name), env: { MIRRORPOINT_IPC_FOLDER: join(folder, `ipc-${name}`) }, startedBy: host.startedBy };
}

/** Pairs two servers that run; the first is to send volumes to the second. */
export async function pairServers(primary: Place, mirror: Place): Promise<void> {
  const invitation = await invite(mirror, '--yes');
  await succeed(primary, 'pair', invitation.text, '--yes');
  await invitation.ended;
}
