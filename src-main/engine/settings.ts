import { z } from 'zod';
import {
  baseDroppedSchema,
  cpIntervalMsSchema,
  durabilitySchema,
  faultInLimits,
  followRequestSchema,
  followsMax,
  holdCapSchema,
  keptRootSchema,
  lagLimitMsSchema,
  notificationLevelSchema,
  rateLimitsSchema,
  roleSchema,
  scheduleSchema,
  scrubRateMin,
  scrubScheduleSchema,
  sharePlaceSchema,
  sharePlacesMax,
  shareUserSchema,
  shareUsersMax,
  userNameSchema,
  volumeNameSchema,
} from '../contract/index.ts';
import { MirrorpointError, Mutex, type RandomSource, toHex } from '../base/index.ts';
import { faultInRules } from '../retention/index.ts';
import { passwordHashSchema } from './password-hash.ts';
import type { TextStore } from './ports.ts';
import { noLimits } from './sending-limits.ts';

/** The version of the settings' form. */
const settingsVersion = 1;

const scheduleSettingsSchema = scheduleSchema.extend({
  /** When it was set: what is remembered of an earlier one does not count. */
  setWallMs: z.number(),
});
export type ScheduleSettings = z.infer<typeof scheduleSettingsSchema>;
const hexId = z.string().regex(/^[0-9a-f]{32}$/, 'an identity is 32 hex digits');

const epochSchema = z.int().min(1);

/**
 * A change of roles that has begun and is not known to be over. Whoever opens the volume goes on with it.
 *
 * - `handing-over`, on a primary: its mirror was asked to lead in this epoch, and whether it does is not known;
 *   until it is, the volume takes no changes
 * - `promoting`, on a primary: the devices may still be those of the mirror that they were
 * - `stepping-down`, on a mirror: the devices may still be those of the primary that they were
 */
const transitionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('handing-over'), epoch: epochSchema, relationship: hexId }),
  z.strictObject({ kind: z.literal('promoting'), epoch: epochSchema, at: keptRootSchema.optional() }),
  z.strictObject({ kind: z.literal('stepping-down'), setAsideName: z.string().min(1) }),
]);
export type Transition = z.infer<typeof transitionSchema>;

const volumeSettingsSchema = z.strictObject({
  name: volumeNameSchema,
  role: roleSchema,
  /** Absolute paths. */
  devices: z.array(z.string().min(1)).min(1),
  cpIntervalMs: cpIntervalMsSchema.default(30_000),
  durability: durabilitySchema.default('sync'),
  /** Gives freed room back while it is a primary. */
  discard: z.boolean().default(false),
  /** Where the other servers of its relationships reach it. */
  listen: z.array(z.string()).default([]),
  transition: transitionSchema.optional(),
  /** From which lag on it is an alert, unless a relationship has its own limit. */
  lagLimitMs: lagLimitMsSchema.optional(),
  /** Of automatic snapshots; it waits on a mirror. */
  schedule: scheduleSettingsSchema.optional(),
  /** When it is scrubbed by itself, and how fast. */
  scrub: scrubScheduleSchema.optional(),
  /** Clients may use it as a network drive, those users alone. Left out: nobody may. */
  share: z.strictObject({ users: z.array(shareUserSchema).max(shareUsersMax) }).optional(),
});
export type VolumeSettings = z.infer<typeof volumeSettingsSchema>;

/** Roots noted of a mirror: more than it can have been sent beside the one it had. */
export const mirrorRootsMax = 100;

/**
 * A volume here and the server that has its other copy, whichever of the two is
 * the primary. The side with the address opens the links.
 */
const relationshipSettingsSchema = z.strictObject({
  /** Names the relationship in the volume's list of holds; never given twice. */
  id: hexId,
  volume: volumeNameSchema,
  /** Where the other server is reached. Left out: it opens the links. */
  address: z.string().min(1).optional(),
  /** The identity that the other server must prove. */
  peer: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "a peer's identity is 64 hex digits")
    .optional(),
  /** What the other server calls itself, where nobody proves who is at the other end. */
  server: hexId.optional(),
  paused: z.boolean().default(false),
  /** How fast the primary may send. */
  limits: rateLimitsSchema.optional(),
  lagLimitMs: lagLimitMsSchema.optional(),
  /** How much may be kept for the mirror while it is away. */
  holdCap: holdCapSchema.optional(),
  baseDropped: baseDroppedSchema.optional(),
  /** Roots that the mirror had or could have when it was last there: it is known by them when nothing is kept for it any more. */
  mirrorRoots: z.array(z.strictObject({ cp: z.int().min(1), checksum: z.string().regex(/^[0-9a-f]{16}$/) })).max(mirrorRootsMax).optional(),
});
export type RelationshipSettings = z.infer<typeof relationshipSettingsSchema>;

/** Where the console is served to other machines. What an address is, the shell knows that serves it. */
const consoleSettingsSchema = z.strictObject({
  listen: z.array(
    z.strictObject({
      address: z.string().min(1),
      names: z.array(z.string()).default([]),
      /** Paths of a certificate and its key, when they are not the server's own. */
      certificate: z.string().min(1).optional(),
      key: z.string().min(1).optional(),
    }),
  ),
});

/** A folder of this machine that is followed into a volume, as long as that is the volume of this identity and a primary here. */
const followSettingsSchema = followRequestSchema.extend({ id: hexId, volumeId: hexId }).strict();
export type FollowSettings = z.infer<typeof followSettingsSchema>;

const settingsSchema = z.strictObject({
  version: z.literal(settingsVersion),
  serverId: hexId,
  serverName: z.string().min(1).max(120),
  /** From which level on an alert is shown on the desktop; all of them, unless it says otherwise. */
  notifications: notificationLevelSchema.optional(),
  volumes: z.array(volumeSettingsSchema).default([]),
  relationships: z.array(relationshipSettingsSchema).default([]),
  follows: z.array(followSettingsSchema).max(followsMax).optional(),
  console: consoleSettingsSchema.optional(),
  /** Who can be let into shares. */
  users: z.array(z.strictObject({ name: userNameSchema, password: passwordHashSchema })).max(shareUsersMax).optional(),
  /** Where shares are served; this machine alone, unless it says otherwise. */
  sharing: z.strictObject({ listen: z.array(sharePlaceSchema).max(sharePlacesMax) }).optional(),
});
export type Settings = z.infer<typeof settingsSchema>;

function invalid(name: string, why: string, cause?: unknown): MirrorpointError {
  return new MirrorpointError(
    'settings-invalid',
    `The settings in ${name} cannot be used. ${why} Correct the file, or move it away to begin with empty settings.`,
    { cause },
  );
}

/** What is wrong beyond the form: names given twice, relationships of volumes that are not there. */
function contradictionIn(settings: Settings): string | undefined {
  const names = new Set<string>();
  const devices = new Map<string, string>();
  for (const [index, volume] of settings.volumes.entries()) {
    if (names.has(volume.name)) return `volumes.${index}.name: '${volume.name}' is there twice.`;
    names.add(volume.name);
    const why = volume.schedule && faultInRules(volume.schedule.everyMs, volume.schedule.keep);
    if (why !== undefined) return `volumes.${index}.schedule: ${why}`;
    const { transition } = volume;
    if (transition !== undefined && (transition.kind === 'stepping-down') !== (volume.role === 'mirror')) {
      return `volumes.${index}.transition: a ${volume.role} is not ${transition.kind}.`;
    }
    if (volume.scrub !== undefined && volume.scrub.bytesPerSecond < scrubRateMin) {
      return `volumes.${index}.scrub.bytesPerSecond: a scrub at ${volume.scrub.bytesPerSecond} bytes per second would never end; give it at least ${scrubRateMin}.`;
    }
    for (const { name } of volume.share?.users ?? []) {
      if (!settings.users?.some((user) => user.name === name)) return `volumes.${index}.share: there is no user '${name}'.`;
    }
    for (const device of volume.devices) {
      const owner = devices.get(device);
      if (owner !== undefined) return `volumes.${index}.devices: ${device} belongs to volume ${owner} too.`;
      devices.set(device, volume.name);
    }
  }
  for (const [index, relationship] of settings.relationships.entries()) {
    if (!names.has(relationship.volume)) return `relationships.${index}.volume: there is no volume '${relationship.volume}'.`;
    if (addressOf(relationship) === '') return `relationships.${index}: neither an address nor a server is named.`;
    const fault = faultInLimits(relationship.limits ?? noLimits);
    if (fault !== undefined) return `relationships.${index}.limits: ${fault}`;
  }
  return undefined;
}

/** What a relationship is called by: where the other server is, or who it is. */
export function addressOf(settings: Pick<RelationshipSettings, 'address' | 'peer' | 'server'>): string {
  return settings.address ?? settings.peer ?? settings.server ?? '';
}

/** Reads settings from their text. Throws `settings-invalid`, naming the store and the key. */
export function parseSettings(text: string, storeName: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(storeName, `It is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}.`, cause);
  }
  if (typeof value === 'object' && value !== null && 'version' in value) {
    const { version } = value;
    if (typeof version === 'number' && version > settingsVersion) {
      const why = `version: they have form ${version}, and this program knows form ${settingsVersion}.`;
      throw invalid(storeName, `${why} Use the newer program.`);
    }
  }
  const result = settingsSchema.safeParse(value);
  if (!result.success) {
    const issues = result.error.issues.slice(0, 3).map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}.`);
    throw invalid(storeName, issues.join(' '), result.error);
  }
  const contradiction = contradictionIn(result.data);
  if (contradiction !== undefined) throw invalid(storeName, contradiction);
  return result.data;
}

/** The settings in force. Changes are made one after another, and hold once they are stored. */
export class SettingsBook {
  readonly #store: TextStore;
  readonly #changes = new Mutex();
  #settings: Settings;

  private constructor(store: TextStore, settings: Settings) {
    this.#store = store;
    this.#settings = settings;
  }

  /** Reads the stored settings, or begins with empty ones and a new identity. Throws `settings-invalid`. */
  static async open(store: TextStore, begin: { random: RandomSource; serverName: string }): Promise<SettingsBook> {
    const text = await store.read();
    if (text !== undefined) return new SettingsBook(store, parseSettings(text, store.name));
    const book = new SettingsBook(store, {
      version: settingsVersion,
      serverId: toHex(begin.random.bytes(16)),
      serverName: begin.serverName,
      volumes: [],
      relationships: [],
    });
    await book.change((settings) => settings);
    return book;
  }

  get current(): Settings {
    return this.#settings;
  }

  /** Stores what the function makes of the settings. When that contradicts itself nothing changes. */
  change(edit: (settings: Settings) => Settings): Promise<void> {
    return this.#changes.run(async () => {
      const next = edit(this.#settings);
      const contradiction = contradictionIn(next);
      if (contradiction !== undefined) {
        throw new MirrorpointError('argument-invalid', `The settings would contradict themselves. ${contradiction}`);
      }
      await this.#store.write(`${JSON.stringify(next, null, 2)}\n`);
      this.#settings = next;
    });
  }
}

/** The part of a request that settings keep of a volume. */
export function settingsOfVolume(
  request: Omit<VolumeSettings, 'devices'>,
  devices: readonly string[],
): VolumeSettings {
  const { name, role, cpIntervalMs, durability, discard, listen } = request;
  return { name, role, devices: [...devices], cpIntervalMs, durability, discard, listen };
}
