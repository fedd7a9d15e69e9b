import { MemoryDevice } from '../../src-main/device/index.ts';

/** A device in memory that counts what is read of it. */
export class CountingDevice extends MemoryDevice {
  readBytes = 0;

  override async read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    for (const buffer of buffers) this.readBytes += buffer.length;
    await super.read(offsetBytes, buffers);
  }
}
