import { isFault, MirrorpointError, reasonOf } from '../base/index.ts';
import type { FaultReport, VolumeSummary } from '../contract/index.ts';
import type { EventLog } from './event-log.ts';
import type { EnginePorts } from './ports.ts';
import type { SettingsBook, VolumeSettings } from './settings.ts';
import { type OpenMirror, openInTransition, type OpenPrimary, type OpenVolume } from './volume-opening.ts';

/** The volumes that the settings name, opened when first needed, each at most once. */
export class VolumeShelf {
  readonly #ports: EnginePorts;
  readonly #book: SettingsBook;
  readonly #events: EventLog;
  readonly #onOpen: (open: OpenVolume) => void;
  readonly #onClose: (name: string) => Promise<void>;
  readonly #open = new Map<string, Promise<OpenVolume>>();
  readonly #opened = new Map<string, OpenVolume>();
  readonly #lent = new Map<string, VolumeSettings>();
  readonly #faults = new Map<string, FaultReport>();

  /** `onOpen` hears of each volume in the step in which it was opened. */
  constructor(options: {
    ports: EnginePorts;
    book: SettingsBook;
    events: EventLog;
    onOpen: (open: OpenVolume) => void;
    /** Ends what works on a volume in the background. */
    onClose: (name: string) => Promise<void>;
  }) {
    this.#ports = options.ports;
    this.#book = options.book;
    this.#events = options.events;
    this.#onOpen = options.onOpen;
    this.#onClose = options.onClose;
  }

  /** The volumes that are open now. */
  get opened(): readonly OpenVolume[] {
    return [...this.#opened.values()];
  }

  /** The settings of every volume, clones last. */
  get all(): readonly VolumeSettings[] {
    return [...this.#book.current.volumes, ...this.#lent.values()];
  }

  has(name: string): boolean {
    return this.all.some((volume) => volume.name === name);
  }

  /** Settings that stay. Throws `unsupported` for a clone, which is forgotten with all that concerns it. */
  lasting(name: string): VolumeSettings {
    if (!this.#lent.has(name)) return this.settingsOf(name);
    throw new MirrorpointError('unsupported', `${name} is a clone, which is forgotten when it ends: it is not mirrored, scheduled, enlarged or detached. Name its volume.`);
  }

  /** The settings of a volume, or of a clone. */
  settingsOf(name: string): VolumeSettings {
    const settings = this.all.find((volume) => volume.name === name);
    if (settings !== undefined) return settings;
    const known = this.#book.current.volumes.map((volume) => volume.name).join(', ');
    throw new MirrorpointError(
      'volume-not-found',
      `There is no volume '${name}' here; ${known === '' ? 'there are none' : `there are: ${known}`}. Create or attach it first.`,
    );
  }

  /** A primary volume that stays. */
  lastingPrimary(name: string): Promise<OpenPrimary> {
    this.lasting(name);
    return this.primary(name);
  }

  /** Opens a volume, or waits for its opening. */
  async get(name: string): Promise<OpenVolume> {
    const settings = this.settingsOf(name);
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const opening = this.#openOne(settings);
    this.#open.set(name, opening);
    return opening;
  }

  async primary(name: string): Promise<OpenPrimary> {
    const open = await this.get(name);
    if (open.role === 'primary') return open;
    throw new MirrorpointError(
      'volume-read-only',
      `Volume ${name} is a mirror here, which takes changes from its primary alone. Change it there.`,
    );
  }

  async mirror(name: string): Promise<OpenMirror> {
    const open = await this.get(name);
    if (open.role === 'mirror') return open;
    throw new MirrorpointError('peer-wrong-role', `Volume ${name} is a primary here, not a mirror. Name a mirror.`);
  }

  /** Puts a clone on the shelf until it is released, with the settings that it has meanwhile. */
  lend(open: OpenPrimary, settings: VolumeSettings): void {
    this.#lent.set(open.name, settings);
    this.#open.set(open.name, Promise.resolve(open));
    this.#opened.set(open.name, open);
  }

  /** Puts a volume on the shelf that was opened elsewhere. */
  put(open: OpenVolume): void {
    this.#open.set(open.name, Promise.resolve(open));
    this.#opened.set(open.name, open);
    this.#faults.delete(open.name);
    this.#onOpen(open);
  }

  /**
   * Closes a volume, lets its settings be changed, and opens it as they then say.
   * Whoever asks for it meanwhile waits. When the change is not made, the volume
   * is left closed, to be opened as it was.
   */
  reopen(name: string, change: { leave: () => Promise<void>; store: () => Promise<void> }): Promise<OpenVolume> {
    const before = this.#open.get(name);
    const opening = this.#reopen(name, before, change);
    this.#open.set(name, opening);
    return opening;
  }

  /** Closes a volume if it is open. */
  async release(name: string): Promise<void> {
    const opening = this.#open.get(name);
    this.#lent.delete(name);
    this.#open.delete(name);
    this.#opened.delete(name);
    this.#faults.delete(name);
    const open = await opening?.catch(() => undefined);
    if (open !== undefined) await this.#onClose(name);
    await open?.close();
  }

  /** Remembers why a volume is not served as its settings say. */
  noteFault(name: string, fault: MirrorpointError): void {
    this.#faults.set(name, { code: fault.code, message: fault.message });
  }

  summary(settings: VolumeSettings): VolumeSummary {
    const { name, role, devices, listen, cpIntervalMs, durability, transition } = settings;
    const fault = this.#faults.get(name);
    const state = this.#opened.has(name) ? 'open' : fault === undefined ? 'closed' : 'failed';
    return { name, role, state, ...(fault !== undefined && { fault }), devices, listen, cpIntervalMs, durability, ...(transition && { transition: transition.kind }) };
  }

  /** Closes all, and throws the first fault when every volume has been tried. */
  async close(): Promise<void> {
    let first: { fault: unknown } | undefined;
    for (const name of [...this.#open.keys()]) {
      try {
        await this.release(name);
      } catch (fault) {
        this.#events.add(`volume ${name}`, `It did not close well: ${reasonOf(fault)}`, { level: 'problem' });
        first ??= { fault };
      }
    }
    if (first !== undefined) throw first.fault;
  }

  async #openOne(settings: VolumeSettings): Promise<OpenVolume> {
    const { name } = settings;
    try {
      const open = await openInTransition(this.#ports, settings);
      this.#opened.set(name, open);
      this.#faults.delete(name);
      this.#onOpen(open);
      this.#tellRecovery(open);
      return open;
    } catch (fault) {
      this.#open.delete(name);
      if (isFault(fault)) this.noteFault(name, fault);
      throw fault;
    }
  }

  async #reopen(
    name: string,
    before: Promise<OpenVolume> | undefined,
    change: { leave: () => Promise<void>; store: () => Promise<void> },
  ): Promise<OpenVolume> {
    const open = await before?.catch(() => undefined);
    try {
      if (open !== undefined) await this.#onClose(name);
      await change.leave();
      this.#opened.delete(name);
      await open?.close().catch((fault: unknown) => {
        this.#events.add(`volume ${name}`, `It did not close well: ${reasonOf(fault)}`, { level: 'warning' });
      });
      await change.store();
    } catch (fault) {
      this.#open.delete(name);
      throw fault;
    }
    return this.#openOne(this.settingsOf(name));
  }

  #tellRecovery(open: OpenVolume): void {
    if (open.role !== 'primary') return;
    const { recovery } = open.volume;
    if (recovery === undefined) return;
    if (recovery.replayedRequests > 0) {
      const text = `It was not closed in order: opened at CP ${recovery.cp}, and ${recovery.replayedRequests} requests taken from the journal.`;
      this.#events.add(`volume ${open.name}`, text);
    }
    if (recovery.damagedRootCopies > 0) {
      const text = `${recovery.damagedRootCopies} of the copies of the root node of CP ${recovery.cp} were damaged or missing.`;
      this.#events.add(`volume ${open.name}`, text, { level: 'warning' });
    }
  }
}
