import { MemoryDevice, type MemoryDeviceOptions } from '../../src-main/device/index.ts';
import { SparseBytes } from '../../src-main/device/sparse-bytes.ts';

/** A device in memory that counts what is read of it since it was opened. */
export class CountingDevice extends MemoryDevice {
  readBytes = 0;
  readonly #options: MemoryDeviceOptions;

  constructor(options: MemoryDeviceOptions) {
    const shared = { ...options, bytes: options.bytes ?? new SparseBytes() };
    super(shared);
    this.#options = shared;
  }

  override reopen(): CountingDevice {
    return new CountingDevice(this.#options);
  }

  override async read(offsetBytes: number, buffers: readonly Uint8Array[]): Promise<void> {
    for (const buffer of buffers) this.readBytes += buffer.length;
    await super.read(offsetBytes, buffers);
  }
}
