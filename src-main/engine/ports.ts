import type { Clock, RandomSource } from '../base/index.ts';
import type { Level, MachineFolder, NearbyServer, SharePlace } from '../contract/index.ts';
import type { Device } from '../device/index.ts';
import type { TrustStore } from '../pairing/index.ts';
import type { DavAnswer, DavRequest, FuseSession } from '../serving/index.ts';
import type { Transport } from '../transport/index.ts';
import type { LocalTree } from './local-tree.ts';

/** A small text that is replaced as a whole, or not at all. */
export interface TextStore {
  /** What messages call it. */
  readonly name: string;
  /** undefined when it was never written. */
  read(): Promise<string | undefined>;
  /** Durable when it resolves. */
  write(text: string): Promise<void>;
}

/** Lines that are added one after another. A line that a crash cut short is not returned. */
export interface LineLog {
  read(): Promise<readonly string[]>;
  append(lines: readonly string[]): Promise<void>;
  /** Puts these lines in the place of all. */
  replace(lines: readonly string[]): Promise<void>;
}

export interface NewDeviceOptions {
  /** Whole sectors. Left out for what exists. */
  sizeBytes?: number;
  preallocate?: boolean;
  erase?: boolean;
  discard?: boolean;
  /** Of the drive that was chosen: when it is another one, or holds something else, `device-changed`. */
  token?: string;
}

/** Where devices come from: image files and drives of this machine, or memory in a simulation. */
export interface DeviceOpener {
  open(path: string, options: { readOnly?: boolean; discard?: boolean }): Promise<Device>;
  /** Makes an image, or claims what is there. A drive keeps what it holds until it is erased. */
  create(path: string, options: NewDeviceOptions): Promise<Device>;
  /** Lets a drive that was claimed to be erased lose what it holds. */
  erase(device: Device): Promise<void>;
  /** Enlarges an image. Throws `unsupported` for a drive. */
  enlarge(device: Device, sizeBytes: number, options: { preallocate: boolean }): Promise<void>;
  /** Takes back a `create` that nothing came of: closes the device, and removes an image that it made. */
  undoCreate(device: Device): Promise<void>;
}

/** What makes this server known to others. */
export interface TrustPorts {
  /** The key and certificate: readable by nobody else, and on their way to nowhere. */
  readonly identity: TrustStore;
  readonly peers: TrustStore;
  /** The addresses of this machine at which others reach it. */
  hosts(): readonly string[];
}

/** A drive of this machine as the system and the drive itself describe it. */
export interface DriveFacts {
  readonly path: string;
  /** The path of the disk that it is a partition of. */
  readonly partOf?: string | undefined;
  /** Empty where the drive does not say. */
  readonly model: string;
  readonly serial: string;
  readonly sizeBytes: number;
  readonly connection: string;
  readonly isReadOnly: boolean;
  readonly holdsSystem: boolean;
  /** What uses it, such as `it is mounted at /data`; undefined where the system knows of nothing. */
  readonly usedBy?: string | undefined;
  /** What it told itself; or why that is not known. */
  readonly look:
    | {
        readonly kind: 'seen';
        /** In words; undefined where it is blank. */
        readonly contents?: string | undefined;
        /** The volume that its label names, in hex. */
        readonly volumeId?: string | undefined;
        /** Another program has it open for itself. */
        readonly isClaimed: boolean;
        readonly token: string;
      }
    | { readonly kind: 'unseen'; readonly reason: string };
  /** Those of the paths that were asked about that lead to it. */
  readonly knownAs: readonly string[];
}

/** What an administrator chooses from on this machine. */
export interface MachinePort {
  /**
   * The drives, and which of the given paths lead to them. A drive that does not
   * answer in time is unseen. Throws `device-io` when they cannot be listed.
   */
  drives(asked: readonly string[]): Promise<readonly DriveFacts[]>;
  /**
   * A folder by its absolute path, the user's home without one. Throws `argument-invalid`,
   * `not-found`, `not-a-directory`, `not-permitted`, and `device-io` when it does not answer.
   */
  folder(path: string | undefined): Promise<MachineFolder>;
}

/** Hears what happens in local folders. It may hear too much, and a name that is left out stands for any. */
export interface LocalWatchListener {
  changed(folder: string, name: string | undefined): void;
  /** Something may have been missed anywhere. */
  lost(): void;
}

/** A watch on local folders. A folder is added before its listing is read, so that nothing falls in between. */
export interface LocalWatch {
  /** Watches what the path leads to now; false when the system has no room for that. Where one watch sees all, this does nothing. */
  add(folder: string): boolean;
  /** Ends the watch on a folder that went, and on those that were in it. */
  remove(folder: string): void;
  close(): void;
}

/** The local network, where servers are heard of. What they say is not proven. */
export interface Discovery {
  /** Listens for a short while for servers that invite. Where there is no network, nobody is found. */
  find(): Promise<readonly NearbyServer[]>;
  /** Says that this server invites at a port, until the result is called. */
  announce(server: { readonly name: string; readonly identity: string; readonly port: number }): () => void;
}

/** What is behind the doors of the shares. */
export interface ShareHall {
  /** Changes whenever passwords that were right may be wrong. */
  readonly usersVersion: number;
  /** Costs a tenth of a second of work on purpose. */
  isUser(name: string, password: string): Promise<boolean>;
  /** Answers a user who has proven to be one. */
  answer(request: Omit<DavRequest, 'mayWrite'>): Promise<DavAnswer>;
  /** Something at the door that the administrator may want to know. */
  tell(text: string, level: Level): void;
}

/** An address at which shares are served. */
export interface ShareDoor extends AsyncDisposable {
  /** As clients are given it. */
  readonly address: string;
}

/** Where clients of shares come in: the network of this machine. */
export interface ShareDoors {
  /** Throws `address-invalid` for what is none, and for one that other machines reach without encryption. */
  check(place: SharePlace): Promise<void>;
  /** Without a place: on this machine alone, where it is free. Throws `address-in-use`, `address-invalid`, and the faults of the certificate. */
  open(place: SharePlace | undefined, hall: ShareHall): Promise<ShareDoor>;
}

export interface MountRequest {
  /** Absolute; an existing folder. */
  readonly folder: string;
  /** What the system calls that which is mounted. */
  readonly name: string;
  readonly isReadOnly: boolean;
  /** Answers the requests of the system. It is closed when the mount has ended. */
  readonly session: FuseSession;
}

/** A folder under which something is mounted. */
export interface MountedFolder {
  /** Without symbolic links on the way to it. */
  readonly folder: string;
  /** Resolves when it is mounted no more, whoever has done that, and its session is closed. */
  readonly ended: Promise<void>;
  /** Throws `mount-busy`, which names the programs that use it, unless forced: those get errors then, and are what it resolves to. */
  unmount(options: { force: boolean }): Promise<readonly string[]>;
}

/** Makes folders of this machine show what a session answers with. */
export interface MountPort {
  /**
   * Throws `unsupported` where there are no such mounts, `not-permitted`, `not-found`, `not-a-directory`,
   * `exists` when something is mounted there already, and `mount-failed`. The session stays open then.
   */
  mount(request: MountRequest): Promise<MountedFolder>;
  /** Takes away what another server has mounted, if it is gone or the mount is not used. Throws `not-found`, `mount-busy`. */
  clear(folder: string): Promise<void>;
}

/** What the shell passes in: everything outside the program. */
export interface EnginePorts {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** What local time is ahead of UTC at a moment, in minutes. */
  readonly utcOffsetMinutes: (wallMs: number) => number;
  readonly settings: TextStore;
  /** The log under a name that is safe as a file's name. */
  readonly log: (name: string) => LineLog;
  readonly devices: DeviceOpener;
  /** A sparse device for what need not outlive the server; what it held is gone when it is closed, or the server killed. */
  readonly openScratch: (name: string, options: { sizeBytes: number; folder?: string | undefined }) => Promise<Device>;
  readonly localTree: LocalTree;
  /** Watches a local folder and those in it that are added. */
  readonly watchFolder: (root: string, listener: LocalWatchListener) => LocalWatch;
  /** Links that need no identity. */
  readonly transport: Transport;
  readonly trust: TrustPorts;
  readonly discovery: Discovery;
  readonly machine: MachinePort;
  readonly shareDoors: ShareDoors;
  readonly mounts: MountPort;
  /** What a server is called until its settings say otherwise. */
  readonly defaultServerName: string;
  readonly processId: number;
  readonly configFolder: string;
  readonly version: string;
  /** Asks whoever runs the engine to stop; answers at once. */
  readonly requestStop: () => void;
  /** Something that the log of the server should say. */
  readonly report: (event: { subject: string; text: string }) => void;
}
