import { formatBytes } from '../base/index.ts';
import type { Drive } from '../contract/index.ts';
import type { DriveFacts } from './ports.ts';

/** A volume of this server, by what tells that a drive is its own. */
export interface VolumeOnDrives {
  readonly name: string;
  /** As the settings have them. */
  readonly devices: readonly string[];
  /** In hex; undefined while it is not open. */
  readonly volumeId: string | undefined;
}

/** What is said of each drive for a new volume: what is on it, and why it may not be taken. */
export function describeDrives(all: readonly DriveFacts[], volumes: readonly VolumeOnDrives[]): Drive[] {
  return [...all].sort((one, other) => one.path.localeCompare(other.path, 'en', { numeric: true })).map((facts) => describe(facts, all, volumes));
}

function describe(facts: DriveFacts, all: readonly DriveFacts[], volumes: readonly VolumeOnDrives[]): Drive {
  const { path, partOf, model, serial, sizeBytes, connection, look } = facts;
  const parts = all.filter((other) => other.partOf === path);
  const refused = refusalOf(facts, { parts, volumes });
  const contents = [...contentsOf(facts, volumes), ...parts.flatMap((part) => partContents(part, volumes))];
  return {
    path,
    ...(partOf !== undefined && { partOf }),
    model,
    ...(serial !== '' && { serial }),
    sizeBytes,
    connection,
    contents,
    use: refused?.use ?? (contents.length > 0 || look.kind === 'unseen' ? 'content' : 'free'),
    ...(refused !== undefined && { refusal: refused.refusal }),
    confirmation: confirmationOf(facts),
    token: look.kind === 'seen' && refused === undefined ? look.token : '',
  };
}

/** Partitions of one disk share its serial number and model. */
function confirmationOf({ path, partOf, serial, model }: DriveFacts): string {
  return [...(partOf === undefined ? [serial, model] : []), path].find((text) => text !== '') ?? path;
}

function contentsOf({ look }: Pick<DriveFacts, 'look'>, volumes: readonly VolumeOnDrives[]): string[] {
  if (look.kind === 'unseen' || look.contents === undefined) return [];
  const { volumeId, contents } = look;
  if (volumeId === undefined) return [contents];
  const name = labelledFor({ look }, volumes);
  return [name === undefined ? `${contents}, ${volumeId}` : `${contents}, '${name}' of this server`];
}

function partContents(part: DriveFacts, volumes: readonly VolumeOnDrives[]): string[] {
  const contents = contentsOf(part, volumes);
  return [`${part.path} (${formatBytes(part.sizeBytes)})${contents.length === 0 ? '' : `: ${contents.join(', ')}`}`];
}

interface Refusal {
  readonly use: Drive['use'] | undefined;
  readonly refusal: string;
}

function refusalOf(facts: DriveFacts, { parts, volumes }: { parts: readonly DriveFacts[]; volumes: readonly VolumeOnDrives[] }): Refusal | undefined {
  const { path, holdsSystem, usedBy, isReadOnly, look } = facts;
  const owner = [facts, ...parts].map((one) => ownerOf(one, volumes)).find((name) => name !== undefined);
  const twin = [facts, ...parts].map((one) => labelledFor(one, volumes)).find((name) => name !== undefined);
  if (holdsSystem) return { use: 'system', refusal: `${path} must be left alone: ${usedBy ?? 'it holds the running system'}. Choose another drive.` };
  if (owner !== undefined) {
    return { use: 'volume', refusal: `${path} belongs to volume '${owner}' of this server. Choose another drive, or detach that volume first.` };
  }
  if (twin !== undefined) {
    return { use: 'volume', refusal: `${path} carries the label of volume '${twin}' of this server: it is one of its devices, or a copy of one. Choose another drive.` };
  }
  if (usedBy !== undefined) return { use: 'mounted', refusal: `${path} is in use: ${usedBy}. Unmount or release it first, or choose another drive.` };
  if (look.kind === 'unseen') return { use: undefined, refusal: look.reason };
  if (look.isClaimed) return { use: 'mounted', refusal: `${path} is in use: another program has it open for itself. Close it there first, or choose another drive.` };
  if (isReadOnly) return { use: undefined, refusal: `${path} is read-only. Make it writable, or choose another drive.` };
  return undefined;
}

/** The volume that has a drive by the settings, open or not. */
function ownerOf({ knownAs }: DriveFacts, volumes: readonly VolumeOnDrives[]): string | undefined {
  return volumes.find(({ devices }) => devices.some((device) => knownAs.includes(device)))?.name;
}

/** The open volume that a drive's label names. */
function labelledFor({ look }: Pick<DriveFacts, 'look'>, volumes: readonly VolumeOnDrives[]): string | undefined {
  const volumeId = look.kind === 'seen' ? look.volumeId : undefined;
  return volumeId === undefined ? undefined : volumes.find((volume) => volume.volumeId === volumeId)?.name;
}
