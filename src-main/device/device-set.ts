import { assert, bytesEqual, formatBytes, isFault, MirrorpointError, Mutex, systemRandom } from '../base/index.ts';
import type { RandomSource } from '../base/index.ts';
import type { Device } from './device.ts';
import { DeviceErrorCounts, type DeviceErrors } from './device-errors.ts';
import { readLabel } from './label-copies.ts';
import type { LabelCopies } from './label-copies.ts';
import { eraseLabels, mendLabels, refuseLabel, rewriteLabels, writeLabels, writeLabelsOf, zeroFill } from './label-writing.ts';
import { bodyOffsetBytes, checkBlockSize, devicesMax, labelOffsetsBytes, layoutUnitBytes, rootAreaBytes } from './label.ts';
import type { SetDescription } from './label.ts';
import { Region, settleAll } from './region.ts';
import { ReplacedDevice } from './replaced-device.ts';
import type { Extent } from './region.ts';
import { assemble } from './set-assembly.ts';
import { extend, layOut } from './set-layout.ts';
import type { Room } from './set-layout.ts';
import type { VolumeDevices } from './volume-devices.ts';

export interface DeviceSetCreateOptions {
  /** 16 bytes each. */
  volumeId: Uint8Array;
  setId: Uint8Array;
  /** A power of two, 4096 to 65536. */
  blockSizeBytes: number;
  /** Rounded up to 64 KiB. */
  journalBytes: number;
  /** Where the devices' ids come from. */
  random: RandomSource;
  /** Whether labels that the devices carry already may be overwritten. */
  wipe?: boolean;
}

export interface DeviceSetOpenOptions {
  /** Writes nothing: a damaged label copy or an unfinished growth stays as it is. */
  readOnly?: boolean;
  /** Where the ids of devices added later come from. */
  random?: RandomSource;
}

export interface DeviceReplacement {
  /** Which device of the set goes. */
  readonly index: number;
  readonly device: Device;
  /** Whether a label that the new device carries may be overwritten. */
  readonly wipe?: boolean;
  /** Bytes copied, and as many as there are; may throw to give it up. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Notes durably that the set is opened with the new device from now on. */
  readonly commit: () => Promise<void>;
}

interface SetState {
  devices: Device[];
  set: SetDescription;
}

/**
 * Devices joined into one space of blocks, and the regions on them. The set
 * owns its devices once `create` or `open` has resolved, and closes them; when
 * either throws, they stay the caller's.
 *
 * Whatever the labels' state after a crash, the set opens with either the old
 * or the new description, never a mixture: one label alone describes the whole.
 */
export class DeviceSet implements VolumeDevices {
  /** Block v of the volume lies at byte v × block size, whichever device that is on. */
  readonly data: Device;
  /** On device 0. */
  readonly journal: Device;
  /** Two places on device 0, each 16 slots of 64 KiB. */
  readonly rootAreas: readonly [Device, Device];
  readonly #data: Region;
  readonly #journal: Region;
  readonly #rootAreas: readonly [Region, Region];
  readonly #random: RandomSource;
  readonly #readOnly: boolean;
  readonly #changes = new Mutex();
  readonly #errors = new DeviceErrorCounts();
  /** The devices that the set owns, and those through which it is used: a stand-in while one is replaced. */
  #devices: Device[];
  #used: readonly Device[];
  #isReplacing = false;
  #set: SetDescription;
  #labelsUncertain = false;
  #expectsFewReads = false;
  #closing: Promise<void> | undefined;

  private constructor(state: SetState, options: { readOnly: boolean; random: RandomSource }) {
    const { devices, set } = state;
    this.#devices = devices;
    this.#used = devices;
    this.#set = set;
    this.#readOnly = options.readOnly;
    this.#random = options.random;
    const extents = extentsOf(state);
    this.#data = new Region(`data of ${this.name}`, extents.data, this.#errors);
    this.data = this.#data;
    this.#journal = new Region(`journal of ${this.name}`, extents.journal, this.#errors);
    this.journal = this.#journal;
    const [areaA, areaB] = extents.rootAreas;
    this.#rootAreas = [
      new Region(`root area A of ${this.name}`, areaA, this.#errors),
      new Region(`root area B of ${this.name}`, areaB, this.#errors),
    ];
    this.rootAreas = this.#rootAreas;
  }

  /**
   * Labels the devices as a new set, in the order given, and zeroes its root
   * areas and journal. Throws `volume-exists` when a device carries a label,
   * `device-too-small`, and `argument-invalid` for an impossible block size.
   */
  static async create(devices: readonly Device[], options: DeviceSetCreateOptions): Promise<DeviceSet> {
    checkBlockSize(options.blockSizeBytes);
    checkDeviceCount(devices.length);
    if (!options.wipe) for (const device of devices) await refuseLabel(device);
    const rooms = devices.map((device) => roomOf(device, options.random.bytes(16)));
    const set = layOut({ ...options, rooms });
    const state: SetState = { devices: [...devices], set };
    // Old labels go first, so that a crash from here on leaves no old volume with a new volume's root areas.
    if (options.wipe) await eraseLabels(devices);
    const created = new DeviceSet(state, { readOnly: false, random: options.random });
    for (const region of [...created.rootAreas, created.journal]) await zeroFill(region);
    await created.flush();
    await writeLabels(devices, set);
    return created;
  }

  /**
   * Opens a set from its devices, given in any order, and mends what a crash
   * left of its labels. Throws `not-a-volume`, `volume-damaged`,
   * `format-too-new`, `device-foreign`, `device-in-use` for a device given
   * twice, `device-missing` and `device-too-small`.
   */
  static async open(devices: readonly Device[], options: DeviceSetOpenOptions = {}): Promise<DeviceSet> {
    checkDeviceCount(devices.length);
    const readOnly = options.readOnly ?? false;
    const { set, members } = await assemble(devices);
    const state: SetState = { devices: members.map((member) => member.device), set };
    if (!readOnly) await mendLabels(members, set);
    return new DeviceSet(state, { readOnly, random: options.random ?? systemRandom });
  }

  get name(): string {
    const names = this.#devices.map((device) => device.name);
    return names.length === 1 ? names[0]! : `set of ${names.join(', ')}`;
  }

  get volumeId(): Uint8Array {
    return this.#set.volumeId;
  }

  get setId(): Uint8Array {
    return this.#set.setId;
  }

  get blockSizeBytes(): number {
    return this.#set.blockSizeBytes;
  }

  /** The size of the space of VBNs: 0 to blockCount - 1 are blocks. */
  get blockCount(): number {
    const last = this.#set.segments[this.#set.segments.length - 1]!;
    return last.firstVbn + last.blockCount;
  }

  /** What the labels say, for inspection. */
  get description(): SetDescription {
    return this.#set;
  }

  /** The devices in their order in the set. */
  get devices(): readonly Device[] {
    return this.#devices;
  }

  /** What each device has failed to do since the set was opened. */
  get deviceErrors(): DeviceErrors[] {
    return this.#errors.of(this.#devices);
  }

  /** Calls the listener with a device's name whenever it returns an error; the result ends that. */
  onDeviceError(listener: (device: string) => void): () => void {
    return this.#errors.onError(listener);
  }

  /** A hint that what is written from now on, to these devices and to those that come, will seldom be read. */
  expectFewReads(): void {
    this.#expectsFewReads = true;
    for (const device of this.#devices) this.#hint(device);
  }

  /** Makes every completed write to any region durable. */
  flush(): Promise<void> {
    return settleAll(this.#used.map((device) => this.#errors.watch(device, 'flushes', device.flush())));
  }

  /**
   * Adds a device, which the set then owns, or takes in the room that its
   * devices gained since. Existing blocks keep their numbers and places.
   * After a crash the set opens with or without the new room. Throws
   * `volume-exists` when the device carries another set's label,
   * `device-too-small` and `unsupported` when the labels are full.
   */
  grow(device?: Device): Promise<void> {
    return this.#changes.run(async () => {
      this.#checkWritable();
      if (this.#isReplacing) throw inReplacement(this.name);
      const rooms = this.#devices.map((known, index) => roomOf(known, this.#set.devices[index]!.id));
      if (device) {
        checkDeviceCount(this.#devices.length + 1);
        const id = await this.#idForNew(device);
        this.#hint(device);
        rooms.push(roomOf(device, id));
      }
      const set = extend(this.#set, rooms);
      if (set === this.#set) return;
      await this.#commit({ devices: device ? [...this.#devices, device] : this.#devices, set });
    });
  }

  /** Gives an empty set to another volume: the volume id is rewritten, the set id kept. */
  adopt(volumeId: Uint8Array): Promise<void> {
    return this.#changes.run(async () => {
      assert(volumeId.length === 16, 'a volume id is 16 bytes');
      this.#checkWritable();
      if (bytesEqual(volumeId, this.#set.volumeId)) return;
      const set = { ...this.#set, volumeId: volumeId.slice(), generation: this.#set.generation + 1 };
      await this.#commit({ devices: this.#devices, set });
    });
  }

  /**
   * Puts another device, which the set then owns, in the place of one of its own,
   * while both are in use. Its content is copied, and what is written meanwhile
   * goes to both, so that the old device stays whole until the new one is. Then
   * the new one gets a copy of its label; `commit` makes durable that the set is
   * opened with it from now on; and the labels say so too. Last the old device's
   * label is erased, where that is possible, and it is closed. After a crash the
   * set opens with whichever device `commit` has stored.
   *
   * Resolves to the bytes that the old device did not give: they are to be healed.
   * When it throws, the old device is in its place, and the new one the caller's:
   * `device-too-small`, `volume-exists` for a device that carries a label, what
   * `onProgress` and `commit` throw, and the faults of the new device.
   */
  async replaceDevice(replacement: DeviceReplacement): Promise<number> {
    const { index, device } = replacement;
    this.#checkWritable();
    if (this.#isReplacing) throw inReplacement(this.name);
    checkReplacement(device, this.#set.devices[index]!.sizeBytes, this.#devices[index]!);
    if (replacement.wipe === true) await eraseLabels([device]);
    else await refuseLabel(device);
    this.#hint(device);
    this.#isReplacing = true;
    try {
      const standIn = new ReplacedDevice(this.#devices[index]!, device);
      await this.#use(this.#devices.with(index, standIn));
      const unreadableBytes = await this.#copy(standIn, replacement);
      await this.#changes.run(() => this.#switch(standIn, replacement));
      return unreadableBytes;
    } finally {
      this.#isReplacing = false;
      await this.#use(this.#devices);
    }
  }

  /** Writes label copies anew that are not as they should be; resolves to how many those were. */
  mendLabels(): Promise<number> {
    return this.#changes.run(async () => {
      this.#checkWritable();
      return rewriteLabels(this.#devices, this.#set);
    });
  }

  /** Closes the regions, then the devices. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#changes.run(async () => {
      await settleAll([this.data, this.journal, ...this.rootAreas].map((region) => region.close()));
      await settleAll(this.#devices.map((device) => device.close()));
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #hint(device: Device): void {
    if (this.#expectsFewReads) device.expectFewReads?.();
  }

  async #commit(state: SetState): Promise<void> {
    // Until this has gone through, only opening the set anew can tell which description holds.
    this.#labelsUncertain = true;
    await writeLabels(state.devices, state.set, this.#devices.length);
    this.#labelsUncertain = false;
    this.#devices = state.devices;
    this.#used = state.devices;
    this.#set = state.set;
    this.#data.replace(extentsOf(state).data);
  }

  /** Uses the set through these devices from now on; resolves when nothing is under way through others any more. */
  async #use(devices: readonly Device[]): Promise<void> {
    this.#used = devices;
    const { data, journal, rootAreas } = extentsOf({ devices, set: this.#set });
    this.#data.replace(data);
    this.#journal.replace(journal);
    this.#rootAreas.forEach((area, index) => {
      area.replace(rootAreas[index]!);
    });
    await Promise.all([this.#data, this.#journal, ...this.#rootAreas].map((region) => region.settled()));
  }

  /** Everything but the label copies, which come last. */
  async #copy(standIn: ReplacedDevice, { index, onProgress }: DeviceReplacement): Promise<number> {
    const endBytes = this.#set.devices[index]!.sizeBytes;
    const ranges = [
      { startBytes: layoutUnitBytes, endBytes: labelOffsetsBytes[1] },
      { startBytes: bodyOffsetBytes, endBytes },
    ];
    let doneBytes = 0;
    let unreadableBytes = 0;
    for (const range of ranges) {
      unreadableBytes += await standIn.copy(range, (bytes) => {
        doneBytes += bytes;
        onProgress?.(doneBytes, endBytes);
      });
    }
    return unreadableBytes;
  }

  async #switch(standIn: ReplacedDevice, { index, device, commit }: DeviceReplacement): Promise<void> {
    this.#checkWritable();
    await standIn.finish();
    await writeLabelsOf(device, { deviceIndex: index, set: this.#set });
    await commit();
    const old = this.#devices[index]!;
    const entries = this.#set.devices.map((entry, at) => (at === index ? { ...entry, id: this.#random.bytes(16) } : entry));
    const set = { ...this.#set, devices: entries, generation: this.#set.generation + 1 };
    const devices = this.#devices.with(index, device);
    // From here on the new device is the set's, whatever becomes of the labels: the next opening mends them.
    this.#devices = devices;
    this.#labelsUncertain = true;
    try {
      // The new device's first: a label of the new generation must find its member.
      await writeLabelsOf(device, { deviceIndex: index, set });
      await writeLabels(devices, set);
      this.#labelsUncertain = false;
      this.#set = set;
    } catch (fault) {
      if (!isFault(fault)) throw fault;
    }
    await this.#use(devices);
    await eraseLabels([old]).catch(() => undefined);
    await old.close().catch(() => undefined);
  }

  #checkWritable(): void {
    if (this.#closing) throw new MirrorpointError('device-closed', `${this.name} is closed. Open it again to use it.`);
    if (this.#labelsUncertain) {
      const text = `An earlier change of the labels of ${this.name} failed halfway. Close the volume and open it again.`;
      throw new MirrorpointError('device-io', text);
    }
    if (!this.#readOnly) return;
    throw new MirrorpointError('not-permitted', `${this.name} is open read-only. Open it for writing to change it.`);
  }

  /** A device left over from a growth of this very set that a crash cut short may be added again. */
  async #idForNew(device: Device): Promise<Uint8Array> {
    const left = await labelIfAny(device);
    if (!left) return this.#random.bytes(16);
    const id = left.label.set.devices[left.label.deviceIndex]!.id;
    const isMember = this.#set.devices.some((entry) => bytesEqual(entry.id, id));
    if (isMember || !bytesEqual(left.label.set.setId, this.setId)) await refuseLabel(device);
    return id;
  }
}

function roomOf(device: Device, id: Uint8Array): Room {
  return { name: device.name, id, sizeBytes: device.sizeBytes };
}

/** Where the regions of a set lie. */
function extentsOf({ devices, set }: { devices: readonly Device[]; set: SetDescription }): {
  data: Extent[];
  journal: Extent[];
  rootAreas: [Extent[], Extent[]];
} {
  const device = devices[0]!;
  const area = (offsetBytes: number): Extent[] => [{ device, offsetBytes, lengthBytes: rootAreaBytes }];
  const data = set.segments.map((segment) => ({
    device: devices[segment.deviceIndex]!,
    offsetBytes: segment.deviceOffsetBytes,
    lengthBytes: segment.blockCount * set.blockSizeBytes,
  }));
  return {
    data,
    journal: [{ device, offsetBytes: set.journalOffsetBytes, lengthBytes: set.journalBytes }],
    rootAreas: [area(set.rootAreaOffsetsBytes[0]), area(set.rootAreaOffsetsBytes[1])],
  };
}

function inReplacement(name: string): MirrorpointError {
  return new MirrorpointError('volume-in-use', `A device of ${name} is being replaced. Wait until that has ended, or cancel it.`);
}

function checkReplacement(device: Device, neededBytes: number, old: Device): void {
  if (device.sizeBytes >= neededBytes) return;
  throw new MirrorpointError(
    'device-too-small',
    `${device.name} has ${formatBytes(device.sizeBytes)}, and the volume uses ${formatBytes(neededBytes)} of ${old.name}. Give a device of at least that size.`,
  );
}

function checkDeviceCount(count: number): void {
  if (count >= 1 && count <= devicesMax) return;
  const text = `A device set has 1 to ${devicesMax} devices, not ${count}. Use fewer, larger devices.`;
  throw new MirrorpointError('argument-invalid', text);
}

/** The device's label; undefined when it has none. A label that cannot be read is refused like another volume's. */
async function labelIfAny(device: Device): Promise<LabelCopies | undefined> {
  try {
    return await readLabel(device);
  } catch (fault) {
    if (isFault(fault, 'not-a-volume')) return undefined;
    await refuseLabel(device);
    throw fault;
  }
}
