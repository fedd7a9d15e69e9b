import { isAbsolute } from 'node:path';
import { isFault, MirrorpointError, present, toHex } from '../base/index.ts';
import type { NewDevice } from '../contract/index.ts';
import { type Device, DeviceSet } from '../device/index.ts';
import { journalBytesFor, MirrorVolume, Volume, type VolumeOptions } from '../volume/index.ts';
import { CpLog } from './cp-log.ts';
import type { EnginePorts, NewDeviceOptions } from './ports.ts';
import type { Transition, VolumeSettings } from './settings.ts';
import { TemporaryNames } from './temporary-names.ts';

/** A primary's volume while it is open, with the history of its CPs. */
export interface OpenPrimary {
  readonly role: 'primary';
  readonly name: string;
  readonly set: Pick<DeviceSet, 'blockSizeBytes' | 'blockCount' | 'devices' | 'deviceErrors' | 'onDeviceError' | 'replaceDevice'>;
  readonly volume: Volume;
  readonly cpLog: CpLog;
  readonly temporaryNames: TemporaryNames;
  close(): Promise<void>;
}

/** A mirror's volume while it is open. */
export interface OpenMirror {
  readonly role: 'mirror';
  readonly name: string;
  readonly set: DeviceSet;
  readonly mirror: MirrorVolume;
  close(): Promise<void>;
}

export type OpenVolume = OpenPrimary | OpenMirror;

/** Refuses a path that would mean something else wherever the server was started. Throws `argument-invalid`. */
export function checkAbsolute(path: string): void {
  if (isAbsolute(path)) return;
  throw new MirrorpointError('argument-invalid', `The local path '${path}' is not absolute. Write it out from the root.`);
}

function newDeviceOptions(device: NewDevice, discard: boolean): NewDeviceOptions {
  const { sizeBytes, preallocate, erase, token } = device;
  return { ...(sizeBytes !== undefined && { sizeBytes }), preallocate, erase, discard, ...(token !== undefined && { token }) };
}

async function closeAll(devices: readonly Device[]): Promise<void> {
  for (const device of devices) await device.close();
}

/** Makes devices ready, and takes that back when the rest does not come about. */
export async function withNewDevices<T>(
  ports: EnginePorts,
  wanted: readonly NewDevice[],
  options: { discard: boolean },
  use: (devices: readonly Device[]) => Promise<T>,
): Promise<T> {
  for (const { path } of wanted) checkAbsolute(path);
  const made: Device[] = [];
  try {
    for (const device of wanted) {
      made.push(await ports.devices.create(device.path, newDeviceOptions(device, options.discard)));
    }
    // When one cannot be had, none has lost anything.
    for (const [index, { erase }] of wanted.entries()) if (erase) await ports.devices.erase(present(made[index], 'a device that was made'));
    return await use(made);
  } catch (fault) {
    for (const device of made) await ports.devices.undoCreate(device);
    throw fault;
  }
}

/** Formats devices as a volume of the given settings, and opens it. When it is not accepted then, all of that is taken back. */
export async function createVolume(
  ports: EnginePorts,
  settings: VolumeSettings,
  options: {
    devices: readonly NewDevice[];
    blockSizeBytes: number;
    journalBytes?: number | undefined;
    accept: (open: OpenVolume) => Promise<void>;
  },
): Promise<OpenVolume> {
  return withNewDevices(ports, options.devices, settings, async (devices) => {
    const sizeBytes = devices.reduce((sum, device) => sum + device.sizeBytes, 0);
    const set = await DeviceSet.create(devices, {
      volumeId: ports.random.bytes(16),
      setId: ports.random.bytes(16),
      blockSizeBytes: options.blockSizeBytes,
      journalBytes: options.journalBytes ?? journalBytesFor(sizeBytes),
      random: ports.random,
      wipe: options.devices.some((device) => device.erase),
    });
    const open = await openOn(ports, settings, set, 'create');
    await options.accept(open);
    return open;
  });
}

/** Opens the volume that settings name. The devices are closed again when that fails. */
export async function openVolume(ports: EnginePorts, settings: VolumeSettings): Promise<OpenVolume> {
  const devices: Device[] = [];
  try {
    for (const path of settings.devices) {
      checkAbsolute(path);
      devices.push(await ports.devices.open(path, { discard: settings.discard }));
    }
    const set = await DeviceSet.open(devices, { random: ports.random });
    return await openOn(ports, settings, set, 'open');
  } catch (fault) {
    await closeAll(devices);
    throw fault;
  }
}

/**
 * Opens the volume that settings name, going on with a change of roles that they
 * say has begun. A primary that steps down keeps what its journal holds.
 */
export async function openInTransition(ports: EnginePorts, settings: VolumeSettings): Promise<OpenVolume> {
  if (settings.transition?.kind !== 'stepping-down') return openVolume(ports, settings);
  try {
    const { transition: _, ...rest } = settings;
    await (await openVolume(ports, { ...rest, role: 'primary' })).close();
  } catch (fault) {
    // It has stepped down before, and perhaps followed since.
    if (!isFault(fault, 'volume-is-mirror')) throw fault;
  }
  return openVolume(ports, settings);
}

async function openOn(
  ports: EnginePorts,
  settings: VolumeSettings,
  set: DeviceSet,
  how: 'create' | 'open',
): Promise<OpenVolume> {
  const { name, transition } = settings;
  if (settings.role === 'mirror') {
    const mirror =
      transition?.kind === 'stepping-down'
        ? await MirrorVolume.stepDown(set, { name, setAsideName: transition.setAsideName })
        : await MirrorVolume[how](set, { name });
    return { role: 'mirror', name, set, mirror, close: () => mirror.close() };
  }
  const { clock, random } = ports;
  const { cpIntervalMs, durability, discard } = settings;
  // By its identity: another volume may have had the name before.
  const cpLog = await CpLog.open(ports.log(`cps-${toHex(set.volumeId)}`));
  const options: VolumeOptions = { name, clock, random, cpIntervalMs, durability, discard };
  const volume = transition?.kind === 'promoting' ? await openPromoted(set, options, transition) : await Volume[how](set, options);
  const temporaryNames = new TemporaryNames();
  return { role: 'primary', name, set, volume, cpLog, temporaryNames, close: recordCps(ports, volume, cpLog) };
}

/** The volume of a mirror that is to be the primary, or that has become it before. */
async function openPromoted(set: DeviceSet, options: VolumeOptions, how: Extract<Transition, { kind: 'promoting' }>): Promise<Volume> {
  try {
    return await Volume.open(set, options);
  } catch (fault) {
    if (!isFault(fault, 'volume-is-mirror')) throw fault;
    const { epoch, at } = how;
    return Volume.promote(set, options, { epoch, ...(at !== undefined && { at }) });
  }
}

/** Keeps the history of CPs as they come; the result closes the volume and then the history. */
function recordCps(ports: EnginePorts, volume: Volume, cpLog: CpLog): () => Promise<void> {
  const record = (): void => {
    cpLog.add(volume.cpHistory);
  };
  record();
  volume.follow({
    begin: () => ({ keep: false }),
    // The record of a CP is made when everyone has heard of its end.
    end: () => ports.clock.setTimer(0, record),
  });
  return async () => {
    try {
      await volume.close();
    } finally {
      record();
      await cpLog.close();
    }
  };
}
