import { type createVolumeSchema, isFault, type MirrorpointError, parseCpInterval, parseSize, type Role, type ServerStatus, volumeNameSchema } from '../../../src-main/contract/index.ts';
import type { z } from 'zod';
import { faultBySchema } from '../../composables/index.ts';
import { type DevicesDraft, isReady, newDevicesOf, noDevices } from './device-draft.ts';

/** A volume that is to be made, as far as it was filled in; texts are as they were typed. */
export interface VolumeDraft {
  role: Role | undefined;
  name: string;
  devices: DevicesDraft;
  interval: string;
  durability: 'sync' | 'request';
  /** Where the other server reaches it; empty for nowhere. */
  listen: string;
  /** The identity of the paired server that a mirror follows; undefined for the first that comes. */
  from: string | undefined;
  discard: boolean;
  blockSizeBytes: number;
  /** Empty for what suits the size. */
  journal: string;
}

export const blockSizes: readonly number[] = [4096, 8192, 16_384, 32_768, 65_536];

const firstPort = 7400;

export function emptyDraft(role: Role | undefined): VolumeDraft {
  return {
    role,
    name: '',
    devices: noDevices,
    interval: '30s',
    durability: 'sync',
    listen: '',
    from: undefined,
    discard: false,
    blockSizeBytes: 4096,
    journal: '',
  };
}

/** Where a mirror is to be reached: at all addresses of the machine, at the first port that no volume here has. */
export function proposedListen(volumes: readonly { readonly listen: readonly string[] }[]): string {
  const taken = new Set(volumes.flatMap(({ listen }) => listen.map((address) => Number(/:([0-9]+)$/.exec(address)?.[1] ?? 0))));
  let port = firstPort;
  while (taken.has(port)) port++;
  return `tls://0.0.0.0:${port}`;
}

/** What is wrong with a name, in the words of the command line; nothing while it is not filled in. */
export function faultOfName(name: string, volumes: ServerStatus['volumes']): string | undefined {
  if (name === '') return undefined;
  const taken = volumes.find((one) => one.name === name);
  if (taken?.cloneOf !== undefined) return `There is a clone '${name}' here. Choose another name, or end it first.`;
  if (taken !== undefined) return `There is a volume '${name}' here already. Choose another name, or detach it first.`;
  return faultBySchema(volumeNameSchema, name);
}

/** What is wrong with an address to listen at, as far as its form tells. */
export function faultOfListen(listen: string): string | undefined {
  const address = listen.trim();
  if (address === '' || /^(?:tls|tcp):\/\/(?:\[[0-9A-Fa-f:.]+\]|[^:[\]/?#@\s]+):[0-9]{1,5}$/.test(address) || /^ipc:\/\/[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(address)) return undefined;
  return `'${address}' is no usable address. Use tls://HOST:PORT, tcp://127.0.0.1:PORT or ipc://NAME.`;
}

function isReadable(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return false;
  }
}

export const draftSteps = ['purpose', 'devices', 'promises', 'review'] as const;
export type DraftStep = (typeof draftSteps)[number];

/** Whether a step has all that it needs. */
export function isStepReady(step: DraftStep, draft: VolumeDraft, volumes: ServerStatus['volumes']): boolean {
  switch (step) {
    case 'purpose':
      return draft.role !== undefined && draft.name !== '' && faultOfName(draft.name, volumes) === undefined;
    case 'devices':
      return newDevicesOf(draft.devices) !== undefined && isReady(draft.devices);
    case 'promises':
      return (
        isReadable(() => parseCpInterval(draft.interval)) &&
        faultOfListen(draft.listen) === undefined &&
        (draft.role !== 'mirror' || draft.listen.trim() !== '') &&
        (draft.journal.trim() === '' || isReadable(() => parseSize(draft.journal)))
      );
    case 'review':
      return draftSteps.slice(0, -1).every((earlier) => isStepReady(earlier, draft, volumes));
  }
}

/** The order to the server; undefined while something is missing. */
export function requestOf(draft: VolumeDraft): z.input<typeof createVolumeSchema> | undefined {
  const { role, name, interval, durability, listen, from, discard, blockSizeBytes, journal } = draft;
  const devices = newDevicesOf(draft.devices);
  if (role === undefined || devices === undefined) return undefined;
  return {
    name,
    role,
    devices,
    cpIntervalMs: parseCpInterval(interval),
    durability,
    discard: discard && role === 'primary',
    blockSizeBytes,
    listen: listen.trim() === '' ? [] : [listen.trim()],
    ...(journal.trim() !== '' && { journalBytes: parseSize(journal) }),
    ...(role === 'mirror' && from !== undefined && { from }),
  };
}

/** The step that a fault of the server is about. */
export function stepOfFault({ code }: MirrorpointError): DraftStep {
  if (code === 'volume-exists') return 'purpose';
  if (code.startsWith('device-') || code === 'exists' || code === 'volume-in-use' || code === 'not-permitted') return 'devices';
  return code.startsWith('address-') || code.startsWith('peer-') ? 'promises' : 'review';
}
