import { formatBytes, isFault, MirrorpointError, present, toHex } from '../base/index.ts';
import { type CheckResult, counted, type NewDevice, type VolumeStatus } from '../contract/index.ts';
import type { Engine } from './engine.ts';
import type { Job } from './job.ts';
import { procedures } from './procedures.ts';
import { type RelationshipSettings, settingsOfVolume, type VolumeSettings } from './settings.ts';
import { spaceProcedure } from './space-procedures.ts';
import { checkAbsolute, createVolume, openInTransition, openVolume, type OpenVolume, withNewDevices } from './volume-opening.ts';

function refuseTaken(engine: Engine, name: string, paths: readonly string[]): void {
  if (engine.clones.all.some((clone) => clone.name === name)) {
    throw new MirrorpointError('volume-exists', `There is a clone '${name}' here. Choose another name, or end it first.`);
  }
  for (const volume of engine.book.current.volumes) {
    if (volume.name === name) {
      throw new MirrorpointError('volume-exists', `There is a volume '${name}' here already. Choose another name, or detach it first.`);
    }
    const shared = paths.find((path) => volume.devices.includes(path));
    if (shared !== undefined) {
      throw new MirrorpointError('volume-in-use', `${shared} belongs to volume '${volume.name}' already. Name other devices.`);
    }
  }
}

/** Somebody who makes a mirror and asks for that expects something that a mirror does not do. */
function refuseDiscard({ name, role, discard }: Pick<VolumeSettings, 'name' | 'role' | 'discard'>): void {
  if (role === 'primary' || !discard) return;
  throw new MirrorpointError('argument-invalid', `'${name}' is to be a mirror, and only a primary gives freed room back. Leave --discard out.`);
}

/** What the settings are to have of a volume more. */
interface Entry {
  readonly settings: VolumeSettings;
  readonly relationships: readonly RelationshipSettings[];
}

/** Whom a mirror is to follow, when that was said. Throws `peer-unknown` and `peer-revoked`. */
function followed(engine: Engine, { name, role, from }: { name: string; role: VolumeSettings['role']; from?: string | undefined }): RelationshipSettings[] {
  if (from === undefined) return [];
  if (role === 'primary') {
    throw new MirrorpointError('argument-invalid', `'${name}' is to be a primary, which follows nobody. Leave --from out, or add --role mirror.`);
  }
  const { identity } = engine.trust.peers.require(from, 'primary');
  return [{ id: toHex(engine.ports.random.bytes(16)), volume: name, peer: identity, paused: false }];
}

/** Opens what is attached. What was a primary's and is to be a mirror steps down, and keeps what only it has. */
async function openAttached(engine: Engine, settings: VolumeSettings): Promise<OpenVolume> {
  try {
    return await openVolume(engine.ports, settings);
  } catch (fault) {
    if (!isFault(fault, 'volume-is-primary')) throw fault;
    return openInTransition(engine.ports, { ...settings, transition: { kind: 'stepping-down', setAsideName: 'before-attach' } });
  }
}

/** Puts a volume into the settings; when that fails it is closed again. */
async function enter(engine: Engine, open: OpenVolume, entry: Entry): Promise<void> {
  const { settings, relationships } = entry;
  try {
    await engine.book.change((now) => ({
      ...now,
      volumes: [...now.volumes, settings],
      relationships: [...now.relationships, ...relationships],
    }));
  } catch (fault) {
    await open.close();
    throw fault;
  }
}

/** Serves a volume that is in the settings by now. */
async function serve(engine: Engine, open: OpenVolume): Promise<VolumeStatus> {
  engine.shelf.put(open);
  await engine.beginListening(open);
  return engine.volumeStatus(open.name);
}

async function check(engine: Engine, name: string, job: Job): Promise<CheckResult> {
  const open = await engine.shelf.get(name);
  const onProgress = (verifiedBlocks: number, usedBlocks: number): void => {
    const { blockSizeBytes } = open.set;
    Object.assign(job.counts, { bytes: verifiedBlocks * blockSizeBytes, bytesTotal: usedBlocks * blockSizeBytes });
    job.checkCancelled();
  };
  return open.role === 'primary' ? open.volume.check({ onProgress }) : open.mirror.check({ onProgress });
}

async function enlarge(engine: Engine, name: string, device: NewDevice): Promise<void> {
  const open = await engine.shelf.get(name);
  const known = open.set.devices.find((one) => one.name === device.path);
  if (known === undefined || device.sizeBytes === undefined) {
    const names = open.set.devices.map((one) => one.name).join(', ');
    throw new MirrorpointError('argument-invalid', `${device.path} with a new size is no device of volume ${name}, which has ${names}. Name one of them.`);
  }
  await engine.ports.devices.enlarge(known, device.sizeBytes, device);
  await (open.role === 'primary' ? open.volume.grow() : open.mirror.grow());
}

async function addDevice(engine: Engine, name: string, device: NewDevice): Promise<void> {
  refuseTaken(engine, '', [device.path]);
  const open = await engine.shelf.get(name);
  const { discard } = engine.shelf.lasting(name);
  // Settings that cannot be written are found out before the volume needs the new device.
  await engine.book.change((now) => now);
  await withNewDevices(engine.ports, [device], { discard }, async ([made]) => {
    await (open.role === 'primary' ? open.volume.grow(made) : open.mirror.grow(made));
  });
  await engine.book.change((now) => ({
    ...now,
    volumes: now.volumes.map((one) => (one.name === name ? { ...one, devices: [...one.devices, device.path] } : one)),
  }));
}

/** Puts a device in the place of another, and has healed what the old one did not give. */
async function replaceDevice(
  engine: Engine,
  { volume, old, device }: { volume: string; old: string; device: NewDevice },
  job: Job,
): Promise<{ unreadableBytes: number; isScrubbing: boolean }> {
  const { discard } = engine.shelf.lasting(volume);
  refuseTaken(engine, '', [device.path]);
  const { set } = await engine.shelf.get(volume);
  const index = set.devices.findIndex(({ name }) => name === old);
  if (index < 0) {
    const names = set.devices.map(({ name }) => name).join(', ');
    throw new MirrorpointError('argument-invalid', `${old} is no device of volume ${volume}, which has ${names}. Name one of them.`);
  }
  const swap = (paths: readonly string[]): string[] => paths.map((path) => (path === old ? device.path : path));
  const unreadableBytes = await withNewDevices(engine.ports, [device], { discard }, ([made]) =>
    set.replaceDevice({
      index,
      device: present(made, 'the device that was made'),
      wipe: device.erase,
      onProgress: (bytes, bytesTotal) => {
        Object.assign(job.counts, { bytes, bytesTotal });
        job.checkCancelled();
      },
      commit: () =>
        engine.book.change((now) => ({
          ...now,
          volumes: now.volumes.map((one) => (one.name === volume ? { ...one, devices: swap(one.devices) } : one)),
        })),
    }),
  );
  const isScrubbing = unreadableBytes > 0 && engine.isServing;
  engine.scrubs.replaced(volume, old, device.path);
  if (isScrubbing) await (await engine.scrubs.of(volume)).start();
  return { unreadableBytes, isScrubbing };
}

const { volumes: os } = procedures;

export const volumeProcedures = {
  create: os.create.handler(async ({ input, context: { engine } }) => {
    const paths = input.devices.map((device) => device.path);
    refuseDiscard(input);
    refuseTaken(engine, input.name, paths);
    const settings = settingsOfVolume(input, paths);
    const relationships = followed(engine, input);
    const accept = (open: OpenVolume): Promise<void> => enter(engine, open, { settings, relationships });
    return serve(engine, await createVolume(engine.ports, settings, { ...input, accept }));
  }),

  attach: os.attach.handler(async ({ input, context: { engine } }) => {
    refuseDiscard(input);
    refuseTaken(engine, input.name, input.devices);
    for (const path of input.devices) checkAbsolute(path);
    const settings = settingsOfVolume(input, input.devices);
    const relationships = followed(engine, input);
    const open = await openAttached(engine, settings);
    await enter(engine, open, { settings, relationships });
    return serve(engine, open);
  }),

  detach: os.detach.handler(async ({ input, context: { engine } }) => {
    const { role } = engine.shelf.lasting(input.volume);
    // A mirror keeps nothing for its primary.
    if (role === 'primary' && engine.book.current.relationships.some((one) => one.volume === input.volume)) {
      const text = `Volume ${input.volume} is linked to a mirror. Unlink it first, so that nothing is kept for that mirror for ever.`;
      throw new MirrorpointError('volume-in-use', text);
    }
    await engine.closeVolume(input.volume);
    await engine.book.change((now) => ({
      ...now,
      volumes: now.volumes.filter((one) => one.name !== input.volume),
      relationships: now.relationships.filter((one) => one.volume !== input.volume),
    }));
    await engine.shares.closeUnused();
    return {};
  }),

  list: os.list.handler(({ context: { engine } }) => ({
    volumes: engine.status().volumes,
  })),

  inspect: os.inspect.handler(({ input, context: { engine } }) => engine.volumeStatus(input.volume)),

  check: os.check.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, CheckResult>(
      { kind: 'check', subject: `volume ${input.volume}`, volume: input.volume },
      (job) => check(engine, input.volume, job),
      ({ cp, verifiedBlocks, problems }) => `CP ${cp}: ${counted(verifiedBlocks, 'block')} proven, ${counted(problems.length, 'problem')} found.`,
    ),
  ),

  space: spaceProcedure,

  replaceDevice: os.replaceDevice.handler(({ input, context: { engine } }) =>
    engine.jobs.run<never, { unreadableBytes: number; isScrubbing: boolean }>(
      { kind: 'replace-device', subject: `${input.old} by ${input.device.path} in volume ${input.volume}`, volume: input.volume },
      (job) => replaceDevice(engine, input, job),
      ({ unreadableBytes }) => (unreadableBytes === 0 ? 'Everything was copied.' : `${formatBytes(unreadableBytes)} could not be read on the old one, and are healed from the other side.`),
    ),
  ),

  grow: os.grow.handler(async ({ input, context: { engine } }) => {
    if (input.enlarge !== undefined) await enlarge(engine, input.volume, input.enlarge);
    if (input.add !== undefined) await addDevice(engine, input.volume, input.add);
    return engine.volumeStatus(input.volume);
  }),
};
