import type { VolumeDevices } from '../device/index.ts';
import { rootChecksumOf } from '../format/index.ts';
import { DisplacementLog } from './displacement-log.ts';
import { readTolerant } from './tolerant-read.ts';

/** Blocks copied in one step. */
const copyBlocksMax = 256;

/**
 * Puts the blocks of a mirror's newest root that had to make way back to their
 * places, where what was received for another root is not wanted any more.
 * Durable when it resolves. The copies elsewhere and the log that names them
 * stay, so a crash, or going on as a mirror after all, finds the root as before.
 */
export async function putBack(
  devices: Pick<VolumeDevices, 'data' | 'journal' | 'blockSizeBytes' | 'flush'>,
  newestRootBytes: Uint8Array,
): Promise<void> {
  const { data, journal, blockSizeBytes } = devices;
  const found = await DisplacementLog.find(journal, 'served');
  if (found === undefined || rootChecksumOf(found.log.mark.rootBytes) !== rootChecksumOf(newestRootBytes)) return;
  for (const { vbn, place, count } of found.displacements) {
    for (let index = 0; index < count; index += copyBlocksMax) {
      const bytes = new Uint8Array(Math.min(copyBlocksMax, count - index) * blockSizeBytes);
      await readTolerant(data, { vbn: place + index, blockSizeBytes }, bytes);
      await data.write((vbn + index) * blockSizeBytes, [bytes]);
    }
  }
  await devices.flush();
}
