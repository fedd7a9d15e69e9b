import { type ContractRouterClient, eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { deletedEntrySchema, fileVersionSchema, searchMatchSchema, stateDifferenceSchema } from './explore-schemas.ts';
import { cpHistorySchema, historySpanSchema, relationshipHistorySchema } from './history-schemas.ts';
import { checkEventSchema, compareEventSchema, copyEventSchema, jobStatusSchema, removeEventSchema, replaceDeviceEventSchema, switchOverEventSchema } from './job-schemas.ts';
import { faultErrors } from './fault.ts';
import { eventSchema } from './event-schemas.ts';
import { followPreviewEventSchema, followRequestSchema, followStatusSchema } from './follow-schemas.ts';
import { eventPageMax, extendedPageMax, fileTimeMsMax, foundPageMax, historyPageMax, listPageMax, peerPageMax, readChunkBytesMax, spacePageMax } from './limits.ts';
import * as machines from './machine-schemas.ts';
import { mountFolderSchema, mountSchema } from './mount-schemas.ts';
import { holdLabelSchema, holdReasonSchema, keptRootSchema, placeSchema, rootChoiceSchema, volumeNameSchema, volumePathSchema } from './place.ts';
import { rateLimitsSchema, ratesInForceSchema } from './rate-schemas.ts';
import { collisionChoiceSchema, restorePreviewSchema, restoreRequestSchema } from './restore-schemas.ts';
import * as scheduling from './schedule-schemas.ts';
import * as schemas from './schemas.ts';
import { scrubStatusSchema } from './scrub-schemas.ts';
import * as sharing from './share-schemas.ts';
import { holdCapSchema, holdStatusSchema, spaceReportSchema } from './space-schemas.ts';
import { nearbyServerSchema, pairingEventSchema, peerSchema } from './trust-schemas.ts';

const base = oc.errors(faultErrors);
const nothing = z.object({});
const ofVolume = z.object({ volume: volumeNameSchema });
const inVolume = ofVolume.extend({ path: volumePathSchema });
const ofRelationship = ofVolume.extend({ address: z.string().min(1) });
/** Without an address: the only relationship of the volume. */
const ofItsRelationship = ofRelationship.partial({ address: true });

const watching = z.object({ intervalMs: z.int().min(100).max(60_000).default(1000) });

const server = {
  status: base.input(nothing).output(schemas.serverStatusSchema),
  /** The status again whenever it may have changed, at most once per interval. */
  watch: base.input(watching).output(eventIterator(schemas.serverStatusSchema)),
  settings: base.input(nothing).output(machines.serverSettingsSchema),
  /** What is left out stays as it is. */
  configure: base
    .input(z.object({ serverName: machines.serverNameSchema, notifications: machines.notificationLevelSchema }).partial())
    .output(machines.serverSettingsSchema),
  /** Answers before the server ends. */
  stop: base.input(nothing).output(nothing),
};

const volumes = {
  create: base.input(schemas.createVolumeSchema).output(schemas.volumeStatusSchema),
  attach: base.input(schemas.attachVolumeSchema).output(schemas.volumeStatusSchema),
  /** Closes the volume and forgets where it is; its devices stay as they are. */
  detach: base.input(ofVolume).output(nothing),
  list: base.input(nothing).output(z.object({ volumes: z.array(schemas.volumeSummarySchema) })),
  inspect: base.input(ofVolume).output(schemas.volumeStatusSchema),
  check: base
    .input(ofVolume)
    .output(eventIterator(checkEventSchema)),
  /** Where its room is. Snapshots in the order of their CPs, above the CP `after`. */
  space: base
    .input(ofVolume.extend({ after: z.int().optional(), limit: z.int().min(1).max(spacePageMax).default(spacePageMax) }))
    .output(spaceReportSchema),
  /** Copies the content of a device to a new one, which takes its place; the volume is in use meanwhile. */
  replaceDevice: base
    .input(ofVolume.extend({ old: z.string().min(1), device: schemas.newDeviceSchema }))
    .output(eventIterator(replaceDeviceEventSchema)),
  /** Adds a device, or takes in the room that the devices gained; `sizeBytes` enlarges the image at `path` first. */
  grow: base
    .input(ofVolume.extend({ add: schemas.newDeviceSchema.optional(), enlarge: schemas.newDeviceSchema.optional() }))
    .output(schemas.volumeStatusSchema),
};

const scrub = {
  /** Begins a pass over every block in use, or goes on with the one that there is; it runs on in the server. */
  start: base.input(ofVolume.extend({ bytesPerSecond: z.int().optional() })).output(scrubStatusSchema),
  pause: base.input(ofVolume).output(scrubStatusSchema),
  /** Gives the pass up. */
  stop: base.input(ofVolume).output(scrubStatusSchema),
  status: base.input(ofVolume).output(scrubStatusSchema),
  /** The status again whenever it may have changed, at most once per interval. */
  watch: base.input(ofVolume.extend(watching.shape)).output(eventIterator(scrubStatusSchema)),
  /** What is left out stays as it is. */
  setSchedule: base
    .input(ofVolume.extend({ everyDays: z.int().min(0).max(3650).optional(), bytesPerSecond: z.int().optional() }))
    .output(scrubStatusSchema),
};

/** What is asked alike of this server and of a paired one. */
const reading = {
  /** Sorted by the bytes of the names. `after` is the last name of the page before. */
  list: {
    input: placeSchema.extend({ after: z.string().optional(), limit: z.int().min(1).max(listPageMax).default(listPageMax) }),
    output: z.object({ entries: z.array(schemas.listedEntrySchema), more: z.boolean() }),
  },
  stat: { input: placeSchema.extend({ follow: z.boolean().default(false) }), output: schemas.attributesSchema },
  /** Opens a file of one root, which is kept until `closeRead` or the end of the connection. */
  openRead: { input: placeSchema, output: z.object({ readId: z.string(), sizeBytes: z.int(), cp: z.int() }) },
  /** The bytes from the offset on, fewer than asked at the end of the file. */
  read: {
    input: z.object({ readId: z.string(), offsetBytes: z.int().min(0), lengthBytes: z.int().min(1).max(readChunkBytesMax) }),
    output: z.instanceof(Blob),
  },
  closeRead: { input: z.object({ readId: z.string() }), output: nothing },
  /** In the order of their CPs, newer than the CP `after`. */
  listSnapshots: {
    input: ofVolume.extend({ after: z.int().optional(), limit: z.int().min(1).max(listPageMax).default(listPageMax) }),
    output: z.object({ snapshots: z.array(schemas.snapshotSchema), more: z.boolean() }),
  },
};

const limited = z.object({ limit: z.int().min(1).max(foundPageMax).default(100) });

/**
 * Looking through the states of a volume. Each answer is the work of a moment:
 * it may have found little or nothing and still say where to go on.
 */
const exploring = {
  /** What a path was, the newest state first; `before` goes on with the states older than a CP. */
  versions: {
    input: inVolume.extend({ before: z.int().min(1).optional() }).extend(limited.shape),
    output: z.object({ versions: z.array(fileVersionSchema).max(foundPageMax), next: z.int().optional() }),
  },
  /**
   * What a folder had in older states and has not in the given one, as it was last. A name is there once
   * in an answer; one that came and went several times may be there again in a later one, as it was before.
   */
  deleted: {
    input: placeSchema.extend({ after: z.string().max(65_536).optional() }).extend(limited.shape),
    output: z.object({ entries: z.array(deletedEntrySchema).max(foundPageMax), next: z.string().optional() }),
  },
  /** Entries below a folder whose name has the text in it, whatever its case; in one state, or in it and all older ones. */
  search: {
    input: placeSchema
      .extend({ text: z.string().min(1).max(255), isOverAll: z.boolean().default(false), after: z.string().max(65_536).optional() })
      .extend(limited.shape),
    output: z.object({
      matches: z.array(searchMatchSchema).max(foundPageMax),
      /** Where to go on. Left out at the end. */
      next: z.string().optional(),
      /** The state that is looked through now: `live`, `last`, `cp=NUMBER`, or the name of a snapshot. */
      state: z.string(),
    }),
  },
  /** What differs between two states; the cost goes with the differences. A file with several names is not said to be renamed: its names come and go. */
  differences: {
    input: ofVolume.extend({ older: rootChoiceSchema, newer: rootChoiceSchema, after: z.string().max(65_536).optional() }).extend(limited.shape),
    output: z.object({ differences: z.array(stateDifferenceSchema).max(foundPageMax), next: z.string().optional() }),
  },
};

const explore = {
  versions: base.input(exploring.versions.input).output(exploring.versions.output),
  deleted: base.input(exploring.deleted.input).output(exploring.deleted.output),
  search: base.input(exploring.search.input).output(exploring.search.output),
  differences: base.input(exploring.differences.input).output(exploring.differences.output),
};

const takingOut = placeSchema.extend({ local: z.string().min(1), overwrite: z.boolean().default(false) });

const readingFiles = {
  list: base.input(reading.list.input).output(reading.list.output),
  stat: base.input(reading.stat.input).output(reading.stat.output),
  openRead: base.input(reading.openRead.input).output(reading.openRead.output),
  read: base.input(reading.read.input).output(reading.read.output),
  closeRead: base.input(reading.closeRead.input).output(reading.closeRead.output),
};

const readingSnapshots = { list: base.input(reading.listSnapshots.input).output(reading.listSnapshots.output) };

const files = {
  ...readingFiles,
  makeDirectory: base
    .input(inVolume.extend({ parents: z.boolean().default(false), mode: z.int().min(0).max(0o7777).default(0o755) }))
    .output(schemas.attributesSchema),
  move: base
    .input(ofVolume.extend({ from: volumePathSchema, to: volumePathSchema, replace: z.boolean().default(false) }))
    .output(nothing),
  remove: base.input(inVolume.extend({ recursive: z.boolean().default(false) })).output(eventIterator(removeEventSchema)),
  /** Brings a local file or folder in, under exactly `path`. Ends durable. */
  put: base
    .input(inVolume.extend({ local: z.string().min(1) }))
    .output(eventIterator(copyEventSchema)),
  /** Takes a file or folder out, to exactly `local`. */
  get: base.input(takingOut).output(eventIterator(copyEventSchema)),
  /** Begins to bring in a file, part by part; it is not seen before `endWrite`, and forgotten with the connection. */
  beginWrite: base
    .input(inVolume.extend({ sizeBytes: z.int().min(0), modifiedMs: z.number().min(-fileTimeMsMax).max(fileTimeMsMax).optional(), collision: collisionChoiceSchema.optional() }))
    /** Skipped: something of the name is there, and was to stay. What is written is thrown away, and need not be sent. */
    .output(z.object({ writeId: z.string(), isSkipped: z.boolean() })),
  write: base.input(z.object({ writeId: z.string(), offsetBytes: z.int().min(0), content: z.instanceof(Blob) })).output(nothing),
  /** The file stands whole and durable under its path, or the one that was chosen beside what is there. */
  endWrite: base.input(z.object({ writeId: z.string() })).output(z.object({ path: z.string(), isSkipped: z.boolean() })),
  abandonWrite: base.input(z.object({ writeId: z.string() })).output(nothing),
  compare: base
    .input(placeSchema.extend({ local: z.string().min(1), metadata: z.boolean().default(true) }))
    .output(eventIterator(compareEventSchema)),
};

const cp = {
  now: base.input(ofVolume).output(schemas.cpRecordSchema),
  /** Newest first, older than `before`. */
  history: base
    .input(
      ofVolume.extend({
        before: z.int().optional(),
        limit: z.int().min(1).max(historyPageMax).default(100),
      }),
    )
    .output(z.object({ records: z.array(schemas.cpRecordSchema) })),
  setInterval: base.input(ofVolume.extend({ intervalMs: schemas.cpIntervalMsSchema })).output(nothing),
};

const ofHold = schemas.snapshotPlaceSchema.extend({ label: holdLabelSchema });

const snapshots = {
  create: base.input(schemas.snapshotPlaceSchema).output(schemas.snapshotSchema),
  ...readingSnapshots,
  /** Refused for the newest that a mirror has too, and for the last that is not known to be damaged. */
  delete: base.input(schemas.snapshotPlaceSchema).output(nothing),
  /** A held snapshot cannot be deleted. */
  hold: base.input(ofHold.extend({ reason: holdReasonSchema.optional() })).output(nothing),
  release: base.input(ofHold).output(nothing),
};

const schedule = {
  show: base.input(ofVolume).output(scheduling.scheduleStatusSchema),
  /** On a mirror it waits until the mirror becomes the primary. */
  set: base.input(ofVolume.extend({ schedule: scheduling.scheduleSchema })).output(scheduling.scheduleStatusSchema),
  /** Ends the schedule; the snapshots that it made stay. */
  off: base.input(ofVolume).output(nothing),
  /** What the rules would leave now: those given, or those of the schedule. In the order of CPs, newer than the CP `after`. */
  preview: base.input(reading.listSnapshots.input.extend({ keep: scheduling.keepRulesSchema.optional() })).output(scheduling.retentionPreviewSchema),
  /** Gives up at once what the rules of the schedule do not keep. */
  prune: base.input(ofVolume).output(z.object({ dropped: z.array(z.string()), freedBytes: z.int() })),
};

const follow = {
  /** Keeps the changes of a folder of this machine flowing into a volume until `remove`; begins with a full compare. */
  add: base.input(followRequestSchema).output(followStatusSchema),
  /** Ends that; what is in the volume stays. */
  remove: base.input(inVolume).output(nothing),
  list: base.input(ofVolume.partial()).output(z.object({ follows: z.array(followStatusSchema) })),
  /** What a full compare would do now, and nothing of it is done. */
  preview: base.input(followRequestSchema).output(eventIterator(followPreviewEventSchema)),
};

const relationships = {
  /** Mirrors a primary volume to the mirror that listens at the address; `peer` is the paired server that must be there. */
  link: base.input(ofRelationship.extend({ peer: z.string().min(1).optional() })).output(nothing),
  unlink: base.input(ofItsRelationship).output(nothing),
  list: base.input(nothing).output(z.object({ relationships: z.array(schemas.relationshipStatusSchema) })),
  pause: base.input(ofItsRelationship).output(nothing),
  resume: base.input(ofItsRelationship).output(nothing),
  limits: base.input(ofRelationship).output(ratesInForceSchema),
  /** Puts these limits in the place of all; they hold at once. */
  setLimits: base.input(ofRelationship.extend({ limits: rateLimitsSchema })).output(ratesInForceSchema),
  /** From which lag on it is an alert: of one relationship, or of all of a volume; without a limit the default. */
  setLagLimit: base
    .input(ofVolume.extend({ address: z.string().min(1).optional(), lagLimitMs: schemas.lagLimitMsSchema.optional() }))
    .output(nothing),
};

/** What is kept on a primary for its mirrors while they are away. */
const holds = {
  list: base
    .input(ofVolume)
    .output(z.object({ holds: z.array(holdStatusSchema.extend({ address: z.string(), peerName: z.string().optional() })) })),
  /** How much may be kept; the default when it is left out. */
  setCap: base.input(ofRelationship.extend({ cap: holdCapSchema.optional() })).output(holdStatusSchema),
  /** Gives up what is kept. When the mirror comes again, the two are compared. */
  release: base.input(ofRelationship).output(holdStatusSchema),
};

const events = {
  /** Oldest first: those after an id or since a time, or else the last ones. */
  list: base
    .input(z.object({ after: z.int().optional(), sinceWallMs: z.number().optional(), limit: z.int().min(1).max(eventPageMax).default(100) }))
    .output(z.object({ events: z.array(eventSchema), more: z.boolean() })),
  /** The last `backlog` ones, and then each that comes; those that a slow listener missed are left out beyond the log's bound. */
  watch: base
    .input(watching.extend({ backlog: z.int().min(0).max(eventPageMax).default(10) }))
    .output(eventIterator(z.object({ events: z.array(eventSchema) }))),
};

const failover = {
  /** On the primary: its mirror becomes the primary, and it the mirror. Nothing is lost. Without an address: the only relationship of the volume. */
  switchOver: base.input(ofVolume.extend({ address: z.string().min(1).optional() })).output(eventIterator(switchOverEventSchema)),
  /** On the primary: gives up a switch-over of which it is not known whether it happened. */
  abort: base.input(ofVolume.extend({ force: z.boolean().default(false) })).output(nothing),
  /** On the mirror: what `promote` would mean now. */
  prospect: base.input(ofVolume).output(schemas.failoverProspectSchema),
  /** On the mirror: makes it the primary, at its last CP or a kept one; `force` although its primary is connected. */
  promote: base.input(ofVolume.extend({ at: keptRootSchema.optional(), force: z.boolean().default(false) })).output(schemas.promotedSchema),
  /** On the primary: its mirror follows whatever it has; what only it has is set aside there. Without an address: the only relationship of the volume. */
  resync: base.input(ofVolume.extend({ address: z.string().min(1).optional() })).output(nothing),
  /** On the mirror: empties it, so that it can take any volume. */
  reset: base.input(ofVolume).output(nothing),
};

const clones = {
  /** Makes a volume that begins with a state of another and takes changes; it ends with the server at the latest. `scratch` is an absolute folder. */
  start: base
    .input(ofVolume.extend({ name: volumeNameSchema, at: rootChoiceSchema.default('last'), scratch: z.string().min(1).optional() }))
    .output(schemas.volumeStatusSchema),
  /** Forgets a clone, and all that was written to it. */
  end: base.input(z.object({ name: volumeNameSchema })).output(nothing),
  list: base.input(nothing).output(z.object({ clones: z.array(schemas.cloneSchema) })),
};

const ofUser = z.object({ user: sharing.userNameSchema });

/** Volumes as network drives. */
const shares = {
  list: base.input(nothing).output(sharing.sharesSchema),
  /** Lets clients use the volume, in whatever role it is here; users that it has already stay, unless they are named. */
  on: base.input(ofVolume.extend({ users: z.array(sharing.shareUserSchema).max(sharing.shareUsersMax).default([]) })).output(sharing.sharesSchema),
  /** Ends what clients are doing, and forgets who might. */
  off: base.input(ofVolume).output(nothing),
  /** Without an access the user may not use the share any more. */
  allow: base.input(ofVolume.extend(ofUser.shape).extend({ access: sharing.shareAccessSchema.optional() })).output(sharing.sharesSchema),
  /** `identity`: the SHA-256 of the certificate that clients are shown, when it is the server's own, which they do not know. */
  listen: base.input(sharing.sharePlaceSchema).output(z.object({ reachedAt: z.string().optional(), identity: z.string().optional() })),
  unlisten: base.input(sharing.sharePlaceSchema.pick({ address: true })).output(nothing),
};

/** Who may use shares. */
const users = {
  list: base.input(nothing).output(z.object({ users: z.array(z.object({ name: z.string(), shares: z.array(z.string()) })) })),
  add: base.input(ofUser.extend({ password: z.string() })).output(nothing),
  setPassword: base.input(ofUser.extend({ password: z.string() })).output(nothing),
  /** In all shares. */
  remove: base.input(ofUser).output(nothing),
};

const mounts = {
  /** Mounts a state of a volume at a folder of the server's machine, until `remove` or the end of the server. */
  add: base.input(ofVolume.extend({ at: rootChoiceSchema.default('live'), folder: mountFolderSchema, writeBack: z.boolean().default(false) })).output(mountSchema),
  /** Takes a mount away, also one that a server which is gone has left; `force` although programs use it. */
  remove: base.input(z.object({ folder: mountFolderSchema, force: z.boolean().default(false) })).output(nothing),
  list: base.input(nothing).output(z.object({ mounts: z.array(mountSchema) })),
};

const ofPeer = z.object({ peer: z.string().min(1) });

const peers = {
  list: base.input(nothing).output(z.object({ name: z.string(), identity: z.string(), peers: z.array(peerSchema) })),
  rename: base.input(ofPeer.extend({ name: z.string() })).output(peerSchema),
  /** Refuses the server from now on, and cuts its links. */
  revoke: base.input(ofPeer).output(peerSchema),
};

const pairing = {
  /** Opens an invitation for as long as someone listens to the events. */
  invite: base
    .input(z.object({ addresses: z.array(z.string()).max(8).default([]) }))
    .output(eventIterator(pairingEventSchema)),
  /**
   * Takes up the invitation of a server that is to hold mirrors. When its addresses
   * lead nowhere, that server is looked for in the local network; `nearby` is who was
   * heard of there already.
   */
  accept: base.input(z.object({ invitation: z.string().max(8192), nearby: z.array(nearbyServerSchema).max(64).default([]) })).output(eventIterator(pairingEventSchema)),
  answer: base.input(z.object({ questionId: z.string(), isAccepted: z.boolean() })).output(nothing),
  /** Servers of the local network that have an invitation open; takes a moment. */
  nearby: base.input(nothing).output(z.object({ servers: z.array(nearbyServerSchema) })),
};

const ofRoot = z.object({ rootId: z.string() });
const ofInode = ofRoot.extend({ ino: z.int().min(0) });

const extendedPage = z.object({ attributes: z.array(z.object({ name: z.string(), valueBase64: z.base64() })).max(extendedPageMax) });

/** A state that is pinned over many questions, for a paired server that takes files out of it. */
const roots = {
  /** Kept until `close` or the end of the connection. */
  open: base.input(placeSchema.omit({ path: true })).output(ofRoot.extend({ cp: z.int() })),
  entry: base.input(ofRoot.extend({ path: volumePathSchema })).output(schemas.listedEntrySchema),
  /** A part of a folder, sorted by the bytes of the names, behind the name `after`. */
  page: base
    .input(ofInode.extend({ after: z.string().optional(), limit: z.int().min(1).max(peerPageMax) }))
    .output(z.object({ entries: z.array(schemas.listedEntrySchema).max(peerPageMax) })),
  read: base.input(ofInode.extend({ offsetBytes: z.int().min(0), lengthBytes: z.int().min(1).max(readChunkBytesMax) })).output(reading.read.output),
  /** Extended attributes in the order of their names, behind the name `after`; fewer than a page at the end. */
  extended: base.input(ofInode.extend({ after: z.string().optional() })).output(extendedPage),
  close: base.input(ofRoot).output(nothing),
};

/** What a paired server may ask: about the volumes that the two share, and nothing that changes anything. */
export const peerContract = {
  server: { about: base.input(nothing).output(schemas.peerStatusSchema) },
  files: readingFiles,
  snapshots: readingSnapshots,
  explore,
  roots,
};

/** How a paired server is asked. */
export type PeerClient = ContractRouterClient<typeof peerContract>;

/** The answers of a paired server, to be looked at before they are believed. */
export const peerAnswers = {
  about: schemas.peerStatusSchema,
  list: reading.list.output,
  stat: reading.stat.output,
  openRead: reading.openRead.output,
  read: reading.read.output,
  closeRead: reading.closeRead.output,
  listSnapshots: reading.listSnapshots.output,
  openRoot: ofRoot.extend({ cp: z.int() }),
  rootEntry: schemas.listedEntrySchema,
  versions: exploring.versions.output,
  deleted: exploring.deleted.output,
  search: exploring.search.output,
  differences: exploring.differences.output,
  extended: extendedPage,
  rootPage: z.object({ entries: z.array(schemas.listedEntrySchema).max(peerPageMax) }),
};

/** A paired server, by its name or identity, and where it is unless a link of a volume tells. */
const atPeer = z.object({ peer: z.string().min(1), address: z.string().min(1).optional() });

/** The same, asked of a paired server through this one. */
const remote = {
  server: { about: base.input(atPeer).output(schemas.peerStatusSchema) },
  files: {
    list: base.input(reading.list.input.extend(atPeer.shape)).output(reading.list.output),
    stat: base.input(reading.stat.input.extend(atPeer.shape)).output(reading.stat.output),
    openRead: base.input(reading.openRead.input.extend(atPeer.shape)).output(reading.openRead.output),
    read: base.input(reading.read.input.extend(atPeer.shape)).output(reading.read.output),
    closeRead: base.input(reading.closeRead.input.extend(atPeer.shape)).output(reading.closeRead.output),
    /** Takes a file or folder out of the volume there, to exactly `local` here. */
    get: base.input(takingOut.extend(atPeer.shape)).output(eventIterator(copyEventSchema)),
  },
  snapshots: { list: base.input(reading.listSnapshots.input.extend(atPeer.shape)).output(reading.listSnapshots.output) },
  explore: {
    versions: base.input(exploring.versions.input.extend(atPeer.shape)).output(exploring.versions.output),
    deleted: base.input(exploring.deleted.input.extend(atPeer.shape)).output(exploring.deleted.output),
    search: base.input(exploring.search.input.extend(atPeer.shape)).output(exploring.search.output),
    differences: base.input(exploring.differences.input.extend(atPeer.shape)).output(exploring.differences.output),
  },
};

/** Files and folders of any state, into the live state of a volume or into a folder. */
const restore = {
  preview: base.input(restoreRequestSchema.pick({ source: true, target: true })).output(restorePreviewSchema),
  /** Begins a job that goes on in the server. Before anything is replaced in a volume, a snapshot of it is taken. */
  start: base.input(restoreRequestSchema).output(z.object({ jobId: z.string() })),
};

const jobs = {
  /** Those that run, and the last that ended; the newest first. */
  list: base.input(nothing).output(z.object({ jobs: z.array(jobStatusSchema) })),
  watch: base.input(watching).output(eventIterator(z.object({ jobs: z.array(jobStatusSchema) }))),
  /** Resolves when the work has stopped. */
  cancel: base.input(z.object({ jobId: z.string() })).output(jobStatusSchema),
};

/** What was measured, also before the last restart. */
const history = {
  relationship: base.input(ofRelationship.extend({ span: historySpanSchema })).output(relationshipHistorySchema),
  cps: base.input(ofVolume.extend({ span: historySpanSchema })).output(cpHistorySchema),
};

/** The machine that the server runs on. */
const machine = {
  drives: base.input(nothing).output(z.object({ drives: z.array(machines.driveSchema) })),
  /** Without a path: the home of the server's user. */
  folder: base.input(z.object({ path: z.string().min(1).optional() })).output(machines.machineFolderSchema),
};

/** Everything that can be asked of a server. */
export const contract = {
  server,
  volumes,
  files,
  explore,
  restore,
  jobs,
  history,
  machine,
  cp,
  snapshots,
  schedule,
  follow,
  scrub,
  relationships,
  holds,
  failover,
  clones,
  shares,
  users,
  mounts,
  events,
  peers,
  pairing,
  remote,
};

/** How a window or a command asks, whatever carries the questions. */
export type MirrorpointClient = ContractRouterClient<typeof contract>;
