import { isFault } from '../base/index.ts';
import type { Device } from '../device/index.ts';

/**
 * Reads blocks that follow each other into one buffer. When that fails, each is
 * asked for by itself; one that the device does not give then is zeros, and lost
 * to the root that it belongs to, as its checksum will say.
 */
export async function readTolerant(data: Device, from: { vbn: number; blockSizeBytes: number }, bytes: Uint8Array): Promise<void> {
  const { vbn, blockSizeBytes } = from;
  if (await isRead(data, vbn * blockSizeBytes, bytes)) return;
  for (let offset = 0; offset < bytes.length; offset += blockSizeBytes) {
    const block = bytes.subarray(offset, offset + blockSizeBytes);
    if (!(await isRead(data, vbn * blockSizeBytes + offset, block))) block.fill(0);
  }
}

async function isRead(data: Device, offsetBytes: number, bytes: Uint8Array): Promise<boolean> {
  try {
    await data.read(offsetBytes, [bytes]);
    return true;
  } catch (fault) {
    if (isFault(fault, 'device-io')) return false;
    throw fault;
  }
}
