import { z } from 'zod';
import { errorCodes } from '../base/index.ts';
import { alertSchema, eventSchema } from './event-schemas.ts';
import { cpIntervalMsMax, cpIntervalMsMin } from './limits.ts';
import { rootChoiceSchema, snapshotNameSchema, volumeNameSchema } from './place.ts';
import { holdStatusSchema } from './space-schemas.ts';

export const faultSchema = z.object({ code: z.enum(errorCodes), message: z.string() });
export type FaultReport = z.infer<typeof faultSchema>;

export const roleSchema = z.enum(['primary', 'mirror']);
export type Role = z.infer<typeof roleSchema>;

export const durabilitySchema = z.enum(['sync', 'request']);

/** 0: no timer. */
export const cpIntervalMsSchema = z.union([z.literal(0), z.int().min(cpIntervalMsMin).max(cpIntervalMsMax)]);

/** From a second to thirty days. */
export const lagLimitMsSchema = z.int().min(1000).max(30 * 24 * 60 * 60 * 1000);

/** A device by its absolute path, and how large to make it when it is an image that is not there yet. */
export const newDeviceSchema = z.object({
  path: z.string().min(1),
  /** Bytes, rounded down to whole sectors. Left out: the device exists. */
  sizeBytes: z.int().min(1).optional(),
  preallocate: z.boolean().default(false),
  /** A drive loses what is on it, an image what is in it. */
  erase: z.boolean().default(false),
  /** The drive that was looked at before (`machine.drives`): refused when the path leads to another one now, or to other content. */
  token: z.string().optional(),
});
export type NewDevice = z.infer<typeof newDeviceSchema>;

export const createVolumeSchema = z.object({
  name: volumeNameSchema,
  role: roleSchema.default('primary'),
  devices: z.array(newDeviceSchema).min(1).max(64),
  blockSizeBytes: z.int().default(4096),
  journalBytes: z.int().min(1).optional(),
  cpIntervalMs: cpIntervalMsSchema.default(30_000),
  durability: durabilitySchema.default('sync'),
  /** Tell the devices about freed room, so that an image file gives it back. */
  discard: z.boolean().default(false),
  /** Where the other servers of its relationships reach it. */
  listen: z.array(z.string()).max(8).default([]),
  /** The paired server that a mirror follows; without this the first one that was paired to send volumes here. */
  from: z.string().min(1).optional(),
});

export const attachVolumeSchema = createVolumeSchema
  .pick({ name: true, cpIntervalMs: true, durability: true, discard: true, listen: true, from: true })
  .extend({ role: roleSchema.default('primary'), devices: z.array(z.string().min(1)).min(1).max(64) });

export const recoverySchema = z.object({
  cp: z.int(),
  replayedRequests: z.int(),
  damagedRootCopies: z.int(),
});

/** `closed` is what a command without a server sees of the volumes it did not need. */
export const volumeStateSchema = z.enum(['open', 'closed', 'failed']);

export const volumeSummarySchema = z.object({
  name: z.string(),
  role: roleSchema,
  state: volumeStateSchema,
  fault: faultSchema.optional(),
  devices: z.array(z.string()),
  listen: z.array(z.string()),
  cpIntervalMs: z.int(),
  durability: durabilitySchema,
  /** A change of roles that is not over; while it is handed over, a volume takes no changes. */
  transition: z.enum(['handing-over', 'promoting', 'stepping-down']).optional(),
});
export type VolumeSummary = z.infer<typeof volumeSummarySchema>;

export const volumeStatusSchema = volumeSummarySchema.extend({
  volumeId: z.string(),
  blockSizeBytes: z.int(),
  blockCount: z.int(),
  usedBlockCount: z.int(),
  freeBlockCount: z.int(),
  /** The last durable CP; 0 on a mirror that has received none. */
  cp: z.int(),
  cpWallMs: z.number(),
  epoch: z.int(),
  inodeCount: z.int(),
  /** Changes that wait for the next CP. */
  waitingBytes: z.int(),
  /** How often a writer had to wait for a CP. */
  stalledWriters: z.int(),
  snapshotCount: z.int(),
  /** How large each device is; a clone has none of its own. */
  deviceSizes: z.array(z.object({ device: z.string(), sizeBytes: z.number() })),
  /** Devices that have returned errors since the volume was opened. */
  deviceErrors: z.array(z.object({ device: z.string(), reads: z.int(), writes: z.int(), flushes: z.int() })),
  recovery: recoverySchema.optional(),
});
export type VolumeStatus = z.infer<typeof volumeStatusSchema>;

export const checkResultSchema = z.object({
  cp: z.int(),
  usedBlocks: z.int(),
  /** Blocks read and proven by their checksum. */
  verifiedBlocks: z.int(),
  keptRoots: z.int(),
  inodes: z.int(),
  /** Empty when the volume is whole; at most the first thousand. */
  problems: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type CheckResult = z.infer<typeof checkResultSchema>;

export const kindSchema = z.enum(['file', 'directory', 'symlink']);

/** What POSIX stat says. */
export const attributesSchema = z.object({
  ino: z.int(),
  kind: kindSchema,
  mode: z.int(),
  linkCount: z.int(),
  uid: z.int(),
  gid: z.int(),
  sizeBytes: z.int(),
  /** Room taken, in units of 512 bytes. */
  sectors: z.int(),
  modifiedNs: z.bigint(),
  changedNs: z.bigint(),
  accessedNs: z.bigint(),
  createdNs: z.bigint(),
  generation: z.int(),
  /** Of a symbolic link. */
  linkTarget: z.string().optional(),
  /** It has extended attributes. */
  hasExtended: z.literal(true).optional(),
});
export type FileAttributes = z.infer<typeof attributesSchema>;

export const listedEntrySchema = attributesSchema.extend({ name: z.string() });
export type ListedEntry = z.infer<typeof listedEntrySchema>;

export const cpRecordSchema = z.object({
  cp: z.int(),
  cause: z.string(),
  startedWallMs: z.number(),
  durationMs: z.number(),
  dataBlocks: z.int(),
  addressBlocks: z.int(),
  bytes: z.int(),
});
export type CpHistoryRecord = z.infer<typeof cpRecordSchema>;

/** What forbids deleting a snapshot. */
export const holdSchema = z.object({ label: z.string(), reason: z.string().optional() });

export const snapshotSchema = z.object({
  name: z.string(),
  cp: z.int(),
  wallMs: z.number(),
  holds: z.array(holdSchema),
  /** On a mirror: a state that its primary's history does not have. */
  isSetAside: z.boolean().optional(),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/** What promoting a mirror now would mean. */
export const failoverProspectSchema = z.object({
  /** The mirror's last CP, which is what there would be; 0 for none. */
  cp: z.int(),
  cpWallMs: z.number(),
  ageMs: z.number(),
  epoch: z.int(),
  /** The newest CP that the primary is known to have taken. */
  primaryCp: z.int(),
  /** The primary speaks with the mirror. */
  isConnected: z.boolean(),
  primaryName: z.string().optional(),
  /** A state that the mirror keeps aside, and that must be deleted before it can lead. */
  setAside: z.object({ name: z.string(), cp: z.int(), wallMs: z.number() }).optional(),
});
export type FailoverProspect = z.infer<typeof failoverProspectSchema>;

/** Where a volume that was promoted begins. */
export const promotedSchema = z.object({ cp: z.int(), epoch: z.int() });

/** A volume that begins with a state of another, and is forgotten. */
export const cloneSchema = z.object({ name: z.string(), volume: z.string(), at: rootChoiceSchema, startedWallMs: z.number() });
export type Clone = z.infer<typeof cloneSchema>;

export const snapshotPlaceSchema = z.object({ volume: volumeNameSchema, snapshot: snapshotNameSchema });

/** What the states mean is with the rooms of replication; a new one needs its sentence. */
export const relationshipStateSchema = z.enum(['connecting', 'baseline', 'catching-up', 'live', 'paused', 'base-dropped', 'error']);
export type RelationshipState = z.infer<typeof relationshipStateSchema>;

/** What an administrator is to know first, and what to do. */
export const verdictSchema = z.object({
  /** `good`: nothing to do; `working`: on its way there; `attention`: not mirrored as it should be; `problem`: a person must see to it. */
  level: z.enum(['good', 'working', 'attention', 'problem']),
  /** State, reason, how far behind. */
  sentence: z.string(),
  next: z.string().optional(),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** One end of a relationship, as the server that answers sees it. */
export const relationshipStatusSchema = z.object({
  volume: z.string(),
  role: roleSchema,
  /** Where the mirror is, or where the mirror waits. */
  address: z.string(),
  state: relationshipStateSchema,
  /** Why it is in this state, and what to do. */
  reason: z.string().optional(),
  code: z.enum(errorCodes).optional(),
  /** The server at the other end, once it has said its name. */
  peerName: z.string().optional(),
  /** The identity that the server at the other end has to prove. */
  peerIdentity: z.string().optional(),
  primaryCp: z.int(),
  mirrorCp: z.int(),
  lagCps: z.int(),
  lagBytes: z.int(),
  /** How long ago the first CP was taken that the mirror lacks. */
  lagMs: z.number(),
  /** Beyond this lag, or silence as long, it is an alert. */
  lagLimitMs: z.int(),
  /** How long there has been no session with the other side, as far as this server knows; 0 while there is one. */
  apartMs: z.number(),
  /** The time between the primary's CPs; 0 where there is no timer, or it is not known here. */
  intervalMs: z.int(),
  /** What may be lost with the primary at this moment, at the most; left out while that is not known. */
  loseUpToMs: z.number().optional(),
  /** How long it takes to catch up at the present rate; left out while that is not known. */
  catchUpMs: z.number().optional(),
  sentPerSecond: z.number(),
  receivedPerSecond: z.number(),
  /** The limit of what may be sent, where there is one now. */
  limitBytesPerSecond: z.int().optional(),
  bytesSent: z.int(),
  bytesReceived: z.int(),
  blocksPushed: z.int(),
  blocksPulled: z.int(),
  lastCommittedWallMs: z.number(),
  /** On the primary: what is kept for the mirror. */
  hold: holdStatusSchema.optional(),
  /** Both ends stand at roots with one checksum, when they last spoke. */
  identical: z.boolean(),
  /** That checksum, 16 hex digits. */
  rootChecksum: z.string().optional(),
  /** How far the other server's clock is ahead of this one's, while it speaks. */
  clockAheadMs: z.number().optional(),
  verdict: verdictSchema,
});
export type RelationshipStatus = z.infer<typeof relationshipStatusSchema>;

export const serverStatusSchema = z.object({
  serverId: z.string(),
  serverName: z.string(),
  version: z.string(),
  /** Whether a server answers, or the command itself did the work. */
  serving: z.boolean(),
  processId: z.int(),
  configFolder: z.string(),
  startedWallMs: z.number(),
  wallMs: z.number(),
  /** Clones come last. What is measured is left out of volumes that are not open. */
  volumes: z.array(
    volumeSummarySchema.extend({
      cp: z.int().optional(),
      cpWallMs: z.number().optional(),
      sizeBytes: z.number().optional(),
      usedBytes: z.number().optional(),
      /** Of a clone: the volume with whose state it began. */
      cloneOf: z.string().optional(),
    }),
  ),
  relationships: z.array(relationshipStatusSchema),
  /** What lasts now, the oldest first. */
  alerts: z.array(alertSchema),
  /** The last ones, the oldest first. */
  events: z.array(eventSchema),
});
export type ServerStatus = z.infer<typeof serverStatusSchema>;

/** What a server tells a paired one of itself: the volumes that the two share, and how they stand. */
export const peerStatusSchema = z.object({
  serverName: z.string(),
  version: z.string(),
  wallMs: z.number(),
  volumes: z.array(z.object({ name: z.string(), role: roleSchema, state: volumeStateSchema, cp: z.int().optional(), cpWallMs: z.number().optional() })),
  relationships: z.array(relationshipStatusSchema),
});
export type PeerStatus = z.infer<typeof peerStatusSchema>;
