import { isFault, MirrorpointError, sleep } from '../base/index.ts';
import type { FailoverProspect, KeptRootChoice, SwitchOverStep } from '../contract/index.ts';
import type { PrimaryRelationship } from '../replication/index.ts';
import type { SetAside } from '../volume/index.ts';
import type { HelloMessage } from '../wire/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import type { Job } from './job.ts';
import type { Mirrors } from './mirrors.ts';
import type { EnginePorts } from './ports.ts';
import { hasSession } from './relationship-reports.ts';
import type { Relationships } from './relationships.ts';
import type { SettingsBook, Transition, VolumeSettings } from './settings.ts';
import type { OpenMirror, OpenPrimary, OpenVolume } from './volume-opening.ts';
import type { VolumeShelf } from './volume-shelf.ts';

/** How long the mirror may take to get the last CP, and then to come up as the primary. */
const handOverWaitMs = 60_000;
const pollMs = 20;

type HandingOver = Extract<Transition, { kind: 'handing-over' }>;

/**
 * Changes which of two servers leads a volume.
 *
 * What is decided stands in the settings before anything follows from it, and
 * whoever opens the volume goes on from there. A primary that has asked its
 * mirror to lead takes neither changes nor CPs until it knows what came of it:
 * it meets the mirror as a primary of a higher epoch, and steps down; or as a
 * mirror still, and goes on as it was.
 */
export class Failover {
  readonly #ports: EnginePorts;
  readonly #book: SettingsBook;
  readonly #shelf: VolumeShelf;
  readonly #relationships: Relationships;
  readonly #mirrors: Mirrors;
  readonly #events: EventLog;
  readonly #alerts: Alerts;
  readonly #leave: (name: string) => Promise<void>;
  readonly #endWork: (name: string) => Promise<void>;
  /** Volumes that are being handed over, and those that step down, at the moment. */
  readonly #changing = new Set<string>();
  readonly #steppingDown = new Set<string>();
  /** Sessions that a pending hand-over had seen; one more means that the mirror is a mirror still. */
  readonly #sessionsSeen = new Map<string, number>();
  /** What nobody waits for. */
  readonly #background = new Set<Promise<void>>();

  constructor(parts: {
    ports: EnginePorts;
    book: SettingsBook;
    shelf: VolumeShelf;
    relationships: Relationships;
    mirrors: Mirrors;
    events: EventLog;
    alerts: Alerts;
    /** Ends what works on a volume by its role. */
    leave: (name: string) => Promise<void>;
    /** Ends what goes on by itself and changes a volume, so that it can tidy up. */
    endWork: (name: string) => Promise<void>;
  }) {
    this.#ports = parts.ports;
    this.#book = parts.book;
    this.#shelf = parts.shelf;
    this.#relationships = parts.relationships;
    this.#mirrors = parts.mirrors;
    this.#events = parts.events;
    this.#alerts = parts.alerts;
    this.#leave = parts.leave;
    this.#endWork = parts.endWork;
    this.#relationships.onChange(() => {
      this.#lookForMirrors();
    });
  }

  /** Takes up, in the step in which a volume was opened, what its settings say has begun. */
  adopt(open: OpenVolume): void {
    const { name } = open;
    const { transition } = this.#shelf.settingsOf(name);
    if (transition === undefined) return;
    if (open.role === 'primary' && transition.kind === 'handing-over') {
      open.volume.restrict({ what: 'everything', fault: handingOver(name) });
      this.#sessionsSeen.set(name, 0);
      this.#raise(name);
    } else {
      // The devices are what the settings say by now.
      this.#inBackground(name, this.#store(name, { role: open.role, transition: undefined }));
    }
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Makes the mirror of a primary volume the primary, and this server its mirror. Nothing is lost, and at no time do two servers take changes. */
  async switchOver(job: Job<SwitchOverStep>, name: string, address: string | undefined): Promise<{ cp: number; epoch: number }> {
    const { volume } = await this.#shelf.primary(name);
    const { id } = this.#relationships.settingsOf(name, address);
    const relationship = this.#relationships.runningOf(id);
    if (this.#handingOver(name) !== undefined || this.#changing.has(name)) throw handingOver(name);
    if (relationship === undefined || !hasSession(relationship.status())) throw notLive(name);
    const epoch = volume.root.epoch + 1;
    let refusal: MirrorpointError | undefined;
    this.#changing.add(name);
    try {
      await job.tell({ type: 'step', step: 'stopping-changes' });
      await this.#endWork(name);
      await this.#bringToLastCp(volume, relationship, { name, job });
      const { cp } = volume.root;
      await job.tell({ type: 'step', step: 'handing-over', cp, epoch });
      refusal = await this.#askToLead(name, { id, epoch, relationship });
    } catch (fault) {
      if (this.#handingOver(name) === undefined) volume.restrict(undefined);
      throw fault;
    } finally {
      this.#changing.delete(name);
    }
    const { cp } = volume.root;
    await this.#untilKnown(name, job);
    if (this.#shelf.settingsOf(name).role === 'primary') throw refusal ?? didNotHappen(name);
    return { cp, epoch };
  }

  /**
   * Gives up a hand-over of which nobody knows what came of it. When the mirror
   * leads after all, this server steps down once it sees it, and what it took
   * until then is set aside; so it wants to be forced.
   */
  async abort(name: string, isForced: boolean): Promise<void> {
    await this.#shelf.primary(name);
    if (this.#handingOver(name) === undefined) {
      throw new MirrorpointError('not-found', `No switch-over of volume ${name} is under way here. See \`mirrorpoint status\`.`);
    }
    if (!isForced) {
      throw new MirrorpointError(
        'peer-not-ready',
        `Whether the mirror of volume ${name} leads by now is not known. Bring its server up: then it settles by itself. ` +
          'If that server is lost for good, add --force.',
      );
    }
    await this.#endHandOver(name, 'The switch-over was given up on request, without knowing whether the mirror leads. This server takes changes again.');
  }

  /** What promoting a mirror now would mean. */
  async prospect(name: string): Promise<FailoverProspect> {
    const { mirror } = await this.#mirror(name);
    const { committed, setAside } = mirror;
    const status = this.#mirrors.statusOf(name);
    return {
      cp: committed?.cp ?? 0,
      cpWallMs: committed?.wallMs ?? 0,
      ageMs: committed === undefined ? 0 : Math.max(0, this.#ports.clock.wallMs() - committed.wallMs),
      epoch: committed?.epoch ?? 0,
      primaryCp: status?.primaryCp ?? committed?.cp ?? 0,
      isConnected: status !== undefined && hasSession(status),
      ...(status?.peerName !== undefined && { primaryName: status.peerName }),
      ...(setAside !== undefined && { setAside: { name: setAside.name, cp: setAside.cp, wallMs: setAside.wallMs } }),
    };
  }

  /** Makes a mirror the primary, at its last CP or an older state, whatever becomes of its primary. */
  async promote(name: string, options: { at?: KeptRootChoice | undefined; isForced: boolean }): Promise<{ cp: number; epoch: number }> {
    const { at, isForced } = options;
    const { isConnected, primaryName, cp, epoch: lastEpoch } = await this.prospect(name);
    if (isConnected && !isForced) throw stillConnected(name, primaryName);
    const { mirror } = await this.#mirror(name);
    if (cp === 0) {
      throw new MirrorpointError('not-a-volume', `The mirror ${name} has not received a whole CP yet, so there is nothing to promote. Wait for its first one.`);
    }
    refuseSetAside(name, mirror.setAside);
    // Found out before anything is closed.
    if (at !== undefined) await (await mirror.openView(at)).close();
    if (this.#changing.has(name)) throw new MirrorpointError('volume-in-use', `The role of volume ${name} is being changed already. Look at \`mirrorpoint status\`.`);
    const epoch = lastEpoch + 1;
    const open = await this.#lead(name, () => this.#store(name, { role: 'primary', transition: { kind: 'promoting', epoch, ...(at !== undefined && { at }) } }));
    return { cp: open.volume.root.cp, epoch };
  }

  /** Has a mirror that is ahead of its primary, or has nothing in common with it, follow all the same. */
  async resync(name: string, address: string | undefined): Promise<void> {
    await this.#shelf.primary(name);
    const { id } = this.#relationships.settingsOf(name, address);
    const relationship = this.#relationships.runningOf(id);
    if (relationship === undefined) {
      throw new MirrorpointError('server-not-running', `Volume ${name} is not served, so its mirror cannot follow. Run \`mirrorpoint serve\`.`);
    }
    if (hasSession(relationship.status())) {
      throw new MirrorpointError('argument-invalid', `The mirror of volume ${name} follows already. There is nothing to decide.`);
    }
    relationship.resync();
  }

  /** Empties a mirror: it follows nobody then, and takes any volume. */
  async reset(name: string): Promise<void> {
    const { mirror } = await this.#mirror(name);
    await this.#shelf.reopen(name, {
      leave: async () => {
        await this.#leave(name);
        await mirror.reset();
      },
      store: () =>
        this.#book.change((now) => ({
          ...now,
          relationships: now.relationships.filter((one) => one.volume !== name || one.address !== undefined),
        })),
    });
    this.#events.add(`volume ${name}`, 'The mirror was emptied on request.', { level: 'warning' });
  }

  /** For a mirror whose primary gives the volume over: notes durably that it leads, and comes to do so. */
  async takeLead(name: string, epoch: number): Promise<void> {
    refuseSetAside(name, (await this.#mirror(name)).mirror.setAside);
    await this.#store(name, { role: 'primary', transition: { kind: 'promoting', epoch } });
    // The session says so to the old primary before it ends.
    this.#ports.clock.setTimer(0, () => {
      this.#inBackground(name, this.#lead(name, () => Promise.resolve()));
    });
  }

  /** For a primary that has met a higher epoch: becomes a mirror, and keeps what it has past the last common CP. */
  stepDown(name: string, by: Pick<HelloMessage, 'serverName' | 'epoch'>): void {
    if (this.#steppingDown.has(name)) return;
    this.#steppingDown.add(name);
    this.#inBackground(name, this.#stepDown(name, by).finally(() => this.#steppingDown.delete(name)));
  }

  async #stepDown(name: string, by: Pick<HelloMessage, 'serverName' | 'epoch'>): Promise<void> {
    const setAsideName = `before-epoch-${by.epoch}`;
    const isPlanned = this.#handingOver(name) !== undefined;
    const why = `'${by.serverName}' leads it in epoch ${by.epoch}`;
    await this.#change(name, () => this.#store(name, { role: 'mirror', transition: { kind: 'stepping-down', setAsideName } }));
    const kept = isPlanned
      ? 'Nothing was taken here that it does not have.'
      : `What was taken here past the last common CP stays readable as the snapshot '${setAsideName}'.`;
    this.#alerts.clear('handing-over', `volume ${name}`);
    this.#events.add(`volume ${name}`, `Not the primary any more, but a mirror: ${why}. ${kept}`, { level: isPlanned ? 'info' : 'warning' });
  }

  /** Closes the mirror, opens it as the primary that the settings then name; if that fails, it is a mirror again. */
  async #lead(name: string, store: () => Promise<void>): Promise<OpenPrimary> {
    try {
      const open = await this.#change(name, store);
      if (open.role !== 'primary') throw new MirrorpointError('volume-is-mirror', `Volume ${name} is a mirror still.`);
      const { cp, epoch } = open.volume.root;
      this.#events.add(`volume ${name}`, `This server is the primary from now on, at CP ${cp} in epoch ${epoch}.`, { level: 'warning' });
      return open;
    } catch (fault) {
      await this.#store(name, { role: 'mirror', transition: undefined });
      await this.#shelf.get(name);
      throw fault;
    }
  }

  /** Closes a volume with all that works on it, and opens it as its settings say when they are stored. */
  #change(name: string, store: () => Promise<void>): Promise<OpenVolume> {
    this.#sessionsSeen.delete(name);
    return this.#shelf.reopen(name, {
      leave: () => this.#leave(name),
      store,
    });
  }

  #store(name: string, change: { role: VolumeSettings['role']; transition: Transition | undefined }): Promise<void> {
    return this.#book.change((now) => ({
      ...now,
      volumes: now.volumes.map((one) => (one.name === name ? withTransition({ ...one, role: change.role }, change.transition) : one)),
      // What a primary notes of its mirrors means nothing when it leads another time.
      relationships: now.relationships.map((one) => {
        const { baseDropped: _dropped, mirrorRoots: _roots, ...lasting } = one;
        return one.volume === name && change.role === 'mirror' ? lasting : one;
      }),
    }));
  }

  /** Takes the last CP, and lets nothing come after it, when the mirror has it. */
  async #bringToLastCp(volume: OpenPrimary['volume'], relationship: PrimaryRelationship, work: { name: string; job: Job<SwitchOverStep> }): Promise<void> {
    const { name, job } = work;
    const fault = handingOver(name);
    volume.restrict({ what: 'changes', fault });
    await volume.takeCp('switch-over');
    await job.tell({ type: 'step', step: 'last-cp', cp: volume.root.cp });
    const { clock } = this.#ports;
    const deadlineMs = clock.monotonicMs() + handOverWaitMs;
    for (;;) {
      job.checkCancelled();
      // What gives room back takes CPs by itself: the mirror must have the very last.
      if (relationship.status().identical && !volume.isTakingCp) {
        volume.restrict({ what: 'everything', fault });
        return;
      }
      if (clock.monotonicMs() > deadlineMs) throw tooSlow(name);
      await sleep(clock, pollMs);
    }
  }

  /** Resolves to why the mirror refused, if it said so. */
  async #askToLead(name: string, to: { id: string; epoch: number; relationship: PrimaryRelationship }): Promise<MirrorpointError | undefined> {
    const { id, epoch, relationship } = to;
    await this.#store(name, { role: 'primary', transition: { kind: 'handing-over', epoch, relationship: id } });
    const seen = relationship.sessionCount;
    let refusal: MirrorpointError | undefined;
    try {
      await relationship.handOver(epoch);
    } catch (fault) {
      if (!isFault(fault)) throw fault;
      if (fault.faultClass !== 'temporary') refusal = fault;
      this.#events.add(`volume ${name}`, `Whether the mirror took the lead is not known yet: ${fault.message}`, { level: 'warning' });
    }
    this.#sessionsSeen.set(name, seen);
    this.#lookForMirrors();
    return refusal;
  }

  /** Waits until the volume steps down or goes on. */
  async #untilKnown(name: string, job: Job<SwitchOverStep>): Promise<void> {
    const { clock } = this.#ports;
    const deadlineMs = clock.monotonicMs() + handOverWaitMs;
    while (this.#shelf.settingsOf(name).transition !== undefined) {
      if (job.isCancelled || clock.monotonicMs() > deadlineMs) {
        this.#raise(name);
        throw notKnown(name);
      }
      await sleep(clock, pollMs);
    }
  }

  /** Ends hand-overs whose mirror has told, in a session that began later, that it is a mirror still. */
  #lookForMirrors(): void {
    for (const [name, seen] of [...this.#sessionsSeen]) {
      const transition = this.#handingOver(name);
      const relationship = transition === undefined ? undefined : this.#relationships.runningOf(transition.relationship);
      if (relationship === undefined || relationship.sessionCount <= seen) continue;
      this.#sessionsSeen.delete(name);
      this.#inBackground(name, this.#endHandOver(name, 'The mirror is a mirror still: the switch-over did not happen. This server takes changes again.'));
    }
  }

  async #endHandOver(name: string, text: string): Promise<void> {
    this.#sessionsSeen.delete(name);
    await this.#store(name, { role: 'primary', transition: undefined });
    (await this.#shelf.primary(name)).volume.restrict(undefined);
    this.#alerts.clear('handing-over', `volume ${name}`);
    this.#events.add(`volume ${name}`, text, { level: 'warning' });
  }

  #raise(name: string): void {
    this.#alerts.raise({
      kind: 'handing-over',
      level: 'problem',
      subject: `volume ${name}`,
      text: 'It takes no changes, because its mirror was asked to lead, and whether it does is not known.',
      next: 'Bring the server of the mirror up: then it settles by itself. If that server is lost for good, run `mirrorpoint switchover --abort --force`.',
    });
  }

  /** What fails then is for the administrator to see; a fault of the program is thrown where nobody catches it. */
  #inBackground(name: string, work: Promise<unknown>): void {
    const watched: Promise<void> = work
      .then(
        () => undefined,
        (fault: unknown) => {
          if (!isFault(fault)) throw fault;
          this.#events.add(`volume ${name}`, `Its role could not be changed: ${fault.message}`, { level: 'problem' });
        },
      )
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }

  #handingOver(name: string): HandingOver | undefined {
    const { transition } = this.#shelf.settingsOf(name);
    return transition?.kind === 'handing-over' ? transition : undefined;
  }

  async #mirror(name: string): Promise<OpenMirror> {
    const open = await this.#shelf.get(name);
    if (open.role === 'mirror') return open;
    throw new MirrorpointError('volume-is-primary', `Volume ${name} is a primary here already, in epoch ${open.volume.root.epoch}. Nothing was done.`);
  }
}

/** A primary's devices have no room for a state that its volume knows nothing of. */
function refuseSetAside(name: string, setAside: SetAside | undefined): void {
  if (setAside === undefined) return;
  throw new MirrorpointError(
    'snapshot-held',
    `The mirror ${name} keeps CP ${setAside.cp} aside as "${setAside.name}", which would be lost if it became the primary. Copy out what is ` +
      `needed by \`mirrorpoint get\`, then run \`mirrorpoint snapshot delete ${name}@${setAside.name}\`.`,
  );
}

function withTransition(settings: VolumeSettings, transition: Transition | undefined): VolumeSettings {
  const { transition: _, ...rest } = settings;
  return transition === undefined ? rest : { ...rest, transition };
}

function handingOver(name: string): MirrorpointError {
  return new MirrorpointError(
    'volume-read-only',
    `Volume ${name} is being handed over to its mirror, and takes no changes until that is settled. Look at \`mirrorpoint status\`, ` +
      'and change it where it leads then.',
  );
}

function notLive(name: string): MirrorpointError {
  return new MirrorpointError(
    'peer-not-ready',
    `The mirror of volume ${name} is not connected, so nothing can be handed over. Wait until \`mirrorpoint status\` shows it live; ` +
      'if this server is to be given up, run `mirrorpoint promote` on the mirror.',
  );
}

function tooSlow(name: string): MirrorpointError {
  return new MirrorpointError(
    'peer-not-ready',
    `The mirror of volume ${name} did not get the last CP within ${handOverWaitMs / 1000} s. Nothing has changed, and the volume takes changes again. ` +
      'Wait until it is live, and try again.',
  );
}

function didNotHappen(name: string): MirrorpointError {
  return new MirrorpointError(
    'peer-not-ready',
    `The mirror of volume ${name} did not take the lead. Nothing has changed, and the volume takes changes again. See \`mirrorpoint events\` there.`,
  );
}

function notKnown(name: string): MirrorpointError {
  return new MirrorpointError(
    'link-timeout',
    `The mirror of volume ${name} was asked to lead, and has not been seen since. The volume takes no changes here until it is: bring that ` +
      'server up, and it settles by itself. If it is lost for good, run `mirrorpoint switchover --abort --force`.',
  );
}

function stillConnected(name: string, primaryName: string | undefined): MirrorpointError {
  return new MirrorpointError(
    'peer-connected',
    `The primary of volume ${name}${primaryName === undefined ? '' : `, '${primaryName}',`} is connected. Run \`mirrorpoint switchover\` there, which loses nothing; ` +
      'or add --force, and what it takes from now on is set aside there.',
  );
}
