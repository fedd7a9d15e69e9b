import { isFault, MirrorpointError, reasonOf } from '../base/index.ts';
import { type ShareAccess, type SharePlace, type ShareUser, sharePlacesMax, type SharesReport } from '../contract/index.ts';
import { answerRoot, type DavAnswer, type DavRequest, DavShare, parseAddress, davOptions, replyOf } from '../serving/index.ts';
import type { EventLog } from './event-log.ts';
import type { EnginePorts, ShareDoor, ShareHall } from './ports.ts';
import { OpenStates } from './serving.ts';
import type { SettingsBook, VolumeSettings } from './settings.ts';
import { ShareUsers } from './share-users.ts';
import type { OpenVolume } from './volume-opening.ts';
import type { VolumeShelf } from './volume-shelf.ts';

/** A share that clients can use, with the states that it shows. */
interface OpenShare {
  readonly share: DavShare;
  readonly states: OpenStates;
}

type HallRequest = Omit<DavRequest, 'mayWrite'>;

/**
 * The volumes that clients use as network drives. A share is there while its
 * volume is open, in whatever role: it follows a change of roles, and ends
 * before the volume is closed. Doors are open while there is a share.
 */
export class Shares {
  readonly users: ShareUsers;
  readonly #ports: EnginePorts;
  readonly #book: SettingsBook;
  readonly #events: EventLog;
  readonly #shelf: VolumeShelf;
  readonly #isServing: boolean;
  readonly #open = new Map<string, OpenShare>();
  /** Doors by the addresses of the settings; that of this machine has none. */
  readonly #doors = new Map<string, ShareDoor>();
  readonly #hall: ShareHall;
  #isReady = false;

  constructor(parts: { ports: EnginePorts; book: SettingsBook; events: EventLog; shelf: VolumeShelf; isServing: boolean }) {
    this.#ports = parts.ports;
    this.#book = parts.book;
    this.#events = parts.events;
    this.#shelf = parts.shelf;
    this.#isServing = parts.isServing;
    this.users = new ShareUsers(parts);
    const { users } = this;
    this.#hall = {
      get usersVersion() {
        return users.version;
      },
      isUser: (name, password) => users.isUser(name, password),
      answer: (request) => this.answer(request),
      tell: (text, level) => {
        this.#events.add('shares', text, { level });
      },
    };
  }

  /** Opens the doors that the settings name. What fails is told, and the server goes on without it. */
  async open(): Promise<void> {
    this.#isReady = true;
    await this.#openDoors();
  }

  /** Begins to serve a volume, in the step in which it was opened. */
  adopt(open: OpenVolume): void {
    const { name } = open;
    if (!this.#isServing || this.#open.has(name) || this.#book.current.volumes.find((volume) => volume.name === name)?.share === undefined) return;
    const states = new OpenStates(open, this.#ports.clock);
    this.#open.set(name, { states, share: new DavShare({ states, clock: this.#ports.clock, random: this.#ports.random }) });
  }

  /** Ends what clients change in a volume, so that nothing half done is in it. */
  async endChanges(volume: string): Promise<void> {
    await this.#open.get(volume)?.share.endChanges();
  }

  /** Ends the share of a volume that is about to be closed. */
  async drop(volume: string): Promise<void> {
    const open = this.#open.get(volume);
    this.#open.delete(volume);
    await open?.share.close();
    await open?.states[Symbol.asyncDispose]();
  }

  report(): SharesReport {
    const doors = [...this.#doors.values()].map(({ address }) => address);
    return {
      shares: this.#shared.map(({ name, role, share }) => ({
        volume: name,
        role,
        isServed: this.#open.has(name) && doors.length > 0,
        users: share?.users ?? [],
        addresses: doors.map((address) => `${address}/${name}`),
      })),
      places: this.#places.map(({ address }) => {
        const reachedAt = this.#doors.get(address)?.address;
        return { address, ...(reachedAt !== undefined && { reachedAt }) };
      }),
    };
  }

  async turnOn(volume: string, users: readonly ShareUser[]): Promise<void> {
    const { share } = this.#shelf.lasting(volume);
    for (const { name } of users) this.users.require(name);
    const open = this.#isServing ? await this.#shelf.get(volume) : undefined;
    const named = new Map([...(share?.users ?? []), ...users].map((user) => [user.name, user]));
    await this.#store(volume, { users: [...named.values()] });
    if (share === undefined) this.#events.add(`volume ${volume}`, 'It is shared: clients can use it as a network drive.');
    if (open !== undefined) this.adopt(open);
    await this.#openDoors();
  }

  /** Throws `not-found`. */
  async turnOff(volume: string): Promise<void> {
    this.#require(volume);
    await this.#store(volume, undefined);
    await this.drop(volume);
    this.#events.add(`volume ${volume}`, 'It is not shared any more. What clients were doing has ended.');
    await this.closeUnused();
  }

  /** Throws `not-found`. */
  async allow(volume: string, user: string, access: ShareAccess | undefined): Promise<void> {
    const { users } = this.#require(volume);
    this.users.require(user);
    const others = users.filter(({ name }) => name !== user);
    await this.#store(volume, { users: access === undefined ? others : [...others, { name: user, access }] });
  }

  /** Throws `exists`, `address-invalid`, `address-in-use`, `argument-invalid`, and the faults of the certificate. */
  async listen(place: SharePlace): Promise<string | undefined> {
    const { address, certificate, key } = place;
    if ((certificate === undefined) !== (key === undefined)) {
      throw new MirrorpointError('argument-invalid', 'A certificate and its key go together. Name both files, or neither for the certificate of the server itself.');
    }
    if (this.#places.some((known) => known.address === address)) {
      throw new MirrorpointError('exists', `Shares are to be served at ${address} already. To change how, end that by \`mirrorpoint share unlisten\` first.`);
    }
    if (this.#places.length >= sharePlacesMax) {
      throw new MirrorpointError('argument-invalid', `Shares are served at ${sharePlacesMax} addresses at most. Give one up by \`mirrorpoint share unlisten\`.`);
    }
    await this.#ports.shareDoors.check(place);
    if (this.#wantsDoors) this.#doors.set(address, await this.#ports.shareDoors.open(place, this.#hall));
    try {
      await this.#storePlaces([...this.#places, place]);
    } catch (fault) {
      await this.#closeDoor(address);
      throw fault;
    }
    // Where it was served to this machine alone until an address was named.
    await this.#closeDoor('');
    return this.#doors.get(address)?.address;
  }

  /** Throws `not-found`. */
  async unlisten(address: string): Promise<void> {
    if (!this.#places.some((known) => known.address === address)) {
      const known = this.#places.map((place) => place.address).join(', ') || 'this machine alone';
      throw new MirrorpointError('not-found', `Shares are not served at ${address}, but at: ${known}.`);
    }
    await this.#storePlaces(this.#places.filter((place) => place.address !== address));
    await this.#closeDoor(address);
    await this.#openDoors();
  }

  /** Closes the doors when there is nothing behind them any more. */
  async closeUnused(): Promise<void> {
    if (this.#shared.length === 0) await this.#closeDoors();
  }

  async close(): Promise<void> {
    this.#isReady = false;
    await this.#closeDoors();
    for (const volume of [...this.#open.keys()]) await this.drop(volume);
  }

  /** Answers a user: of a share that this user may read, or with the shares that there are for this user. */
  async answer(request: HallRequest): Promise<DavAnswer> {
    try {
      const { share: name } = parseAddress(request.target);
      if (name === undefined) return await this.#answerRoot(request);
      const access = this.#accessOf(name, request.user);
      // Who may not read a share is not told whether there is one.
      if (access === undefined) throw new MirrorpointError('not-found', `There is no share ${JSON.stringify(name)} here for ${request.user}. Ask the administrator for access.`);
      const open = this.#open.get(name);
      if (open === undefined) throw new MirrorpointError('volume-not-found', `The volume ${name} is not open now. Try again in a moment, or ask the administrator.`);
      return await open.share.answer({ ...request, mayWrite: access === 'write' });
    } catch (fault) {
      if (!isFault(fault)) throw fault;
      return { ...replyOf(fault), close: () => Promise.resolve() };
    }
  }

  async #answerRoot(request: HallRequest): Promise<DavAnswer> {
    const close = (): Promise<void> => Promise.resolve();
    if (request.method === 'OPTIONS') return { status: 200, headers: { ...davOptions, 'content-length': '0' }, close };
    const names = this.#shared.flatMap(({ name }) => (this.#accessOf(name, request.user) === undefined ? [] : [name]));
    return { ...(await answerRoot({ ...request, mayWrite: false }, names)), close };
  }

  #accessOf(volume: string, user: string): ShareAccess | undefined {
    const { share } = this.#shared.find(({ name }) => name === volume) ?? {};
    return share?.users.find(({ name }) => name === user)?.access;
  }

  get #shared(): readonly VolumeSettings[] {
    return this.#book.current.volumes.filter(({ share }) => share !== undefined);
  }

  get #places(): readonly SharePlace[] {
    return this.#book.current.sharing?.listen ?? [];
  }

  get #wantsDoors(): boolean {
    return this.#isReady && this.#shared.length > 0;
  }

  #require(volume: string): NonNullable<VolumeSettings['share']> {
    const { share } = this.#shelf.settingsOf(volume);
    if (share !== undefined) return share;
    throw new MirrorpointError('not-found', `Volume ${volume} is not shared. Share it by \`mirrorpoint share on ${volume}\`.`);
  }

  #store(volume: string, share: VolumeSettings['share']): Promise<void> {
    return this.#book.change((now) => ({ ...now, volumes: now.volumes.map((one) => (one.name === volume ? { ...one, share } : one)) }));
  }

  #storePlaces(listen: readonly SharePlace[]): Promise<void> {
    return this.#book.change((now) => ({ ...now, sharing: { listen: [...listen] } }));
  }

  async #openDoors(): Promise<void> {
    if (!this.#wantsDoors) return;
    const places: readonly (SharePlace | undefined)[] = this.#places.length === 0 ? [undefined] : this.#places;
    for (const place of places) {
      const key = place?.address ?? '';
      if (this.#doors.has(key)) continue;
      try {
        this.#doors.set(key, await this.#ports.shareDoors.open(place, this.#hall));
      } catch (fault) {
        if (!isFault(fault)) throw fault;
        this.#events.add('shares', reasonOf(fault), { level: 'problem' });
      }
    }
  }

  async #closeDoor(key: string): Promise<void> {
    const door = this.#doors.get(key);
    this.#doors.delete(key);
    await door?.[Symbol.asyncDispose]();
  }

  async #closeDoors(): Promise<void> {
    for (const key of [...this.#doors.keys()]) await this.#closeDoor(key);
  }
}
