import { z } from 'zod';
import { type Clock, isFault, MirrorpointError, reasonOf, toHex } from '../base/index.ts';
import { type ScrubResult, scrubResultSchema, type ScrubSchedule, scrubRateMin, type ScrubStatus } from '../contract/index.ts';
import { newScrub, reportDamage, ScrubPass, type ScrubState, type ScrubSubject } from '../volume/index.ts';
import type { Alerts } from './alerts.ts';
import type { EventLog } from './event-log.ts';
import type { LineLog } from './ports.ts';

const dayMs = 86_400_000;

/** How often it is looked whether a pass is due. */
const scheduleTickMs = 600_000;

/** How often the position of a running pass is stored; what came after is proven again after a crash. */
const savedEveryMs = 10_000;

/** Blocks of one stretch: about a quarter of a second's, so that pauses are short and what is held is held briefly. */
const stretchesPerSecond = 4;
const stretchBlocksMin = 16;
const stretchBlocksMax = 4096;

const pathsInAlert = 3;

/** A pass as it is stored. Its state is this version's own: another one's is not gone on with. */
const storedSchema = z.object({
  sinceWallMs: z.number(),
  last: scrubResultSchema.optional(),
  pass: z
    .object({ volumeId: z.string(), startedWallMs: z.number(), bytesPerSecond: z.int(), isPaused: z.boolean(), state: z.looseObject({ phase: z.string(), afterCp: z.int() }) })
    .optional(),
});

interface Pass {
  /** Of which volume: an emptied mirror may have become another's. */
  readonly volumeId: string;
  readonly startedWallMs: number;
  bytesPerSecond: number;
  isPaused: boolean;
  state: ScrubState;
}

export interface VolumeScrubOptions {
  readonly volume: string;
  readonly clock: Clock;
  readonly lines: LineLog;
  readonly alerts: Alerts;
  readonly events: EventLog;
  readonly schedule: () => ScrubSchedule;
  /** Throws `not-found` while a mirror is empty. */
  readonly subject: () => ScrubSubject;
  readonly liveLabel: 'live' | 'last';
  /** Passes run; without it they are only shown. */
  readonly isServing: boolean;
  readonly onPassEnd: (startedWallMs: number) => void;
}

/** The scrub of one open volume: runs passes at their pace, keeps their position across restarts, and begins those that are due. */
export class VolumeScrub {
  readonly #options: VolumeScrubOptions;
  #sinceWallMs: number;
  #last: ScrubResult | undefined;
  #pass: Pass | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #wake: () => void = () => undefined;
  #cancelTick: () => void = () => undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(options: VolumeScrubOptions, stored: z.infer<typeof storedSchema> | undefined) {
    this.#options = options;
    this.#sinceWallMs = stored?.sinceWallMs ?? options.clock.wallMs();
    this.#last = stored?.last;
    this.#pass = stored?.pass as Pass | undefined;
  }

  /** Takes up what was stored, and goes on with a pass that ran. */
  static async open(options: VolumeScrubOptions): Promise<VolumeScrub> {
    const [line] = await options.lines.read();
    const scrub = new VolumeScrub(options, parseStored(line));
    if (!options.isServing) return scrub;
    if (line === undefined) await scrub.#save();
    scrub.#go();
    scrub.#tick();
    return scrub;
  }

  /** Calls the listener when the status has changed; the result ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  status(): ScrubStatus {
    const { volume, schedule } = this.#options;
    const { everyDays } = schedule();
    const pass = this.#pass;
    return {
      volume,
      state: pass === undefined ? 'idle' : pass.isPaused ? 'paused' : 'running',
      schedule: schedule(),
      ...(everyDays > 0 && pass === undefined && { nextWallMs: this.#dueWallMs(everyDays) }),
      ...(pass !== undefined && { pass: this.#passStatus(pass) }),
      ...(this.#last !== undefined && { last: this.#last }),
      heals: { healed: 0, served: 0, lost: 0, ...this.#subjectIfAny?.healer.counts },
    };
  }

  /** Begins a pass, or goes on with the one that there is. Throws `argument-invalid`, and `not-found` for an empty mirror. */
  async start(bytesPerSecond?: number): Promise<void> {
    checkRate(bytesPerSecond);
    const { clock, schedule, subject } = this.#options;
    const { root } = subject();
    if (this.#pass?.volumeId !== toHex(root.volumeId)) this.#pass = undefined;
    this.#pass ??= {
      volumeId: toHex(root.volumeId),
      startedWallMs: clock.wallMs(),
      bytesPerSecond: bytesPerSecond ?? schedule().bytesPerSecond,
      isPaused: false,
      state: newScrub(root),
    };
    this.#pass.isPaused = false;
    this.#pass.bytesPerSecond = bytesPerSecond ?? this.#pass.bytesPerSecond;
    await this.#save();
    this.#wake();
    this.#go();
  }

  /** Stops for now; `start` goes on. */
  async pause(): Promise<void> {
    const pass = this.#needPass();
    pass.isPaused = true;
    await this.#settle();
    await this.#save();
  }

  /** Gives the pass up. */
  async stop(): Promise<void> {
    this.#needPass();
    this.#pass = undefined;
    await this.#settle();
    await this.#save();
  }

  /** Looks anew at the schedule, which has changed. */
  reschedule(): void {
    if (this.#options.isServing && !this.#isClosed) this.#tick();
    this.#changed();
  }

  /** Ends the work; a pass that runs goes on when the volume is opened again. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTick();
    await this.#settle();
    if (this.#options.isServing) await this.#save();
  }

  /** undefined for a mirror that is empty. */
  get #subjectIfAny(): ScrubSubject | undefined {
    try {
      return this.#options.subject();
    } catch (fault) {
      if (isFault(fault)) return undefined;
      throw fault;
    }
  }

  #passStatus({ startedWallMs, bytesPerSecond, state }: Pass): NonNullable<ScrubStatus['pass']> {
    const { verifiedBlocks, healedBlocks, servedBlocks, lostBlocks, mendedCopies } = state;
    const counts = { startedWallMs, bytesPerSecond, verifiedBlocks, healedBlocks, servedBlocks, lostBlocks, mendedCopies };
    const root = this.#subjectIfAny?.root;
    if (root === undefined) return { ...counts, usedBlocks: verifiedBlocks };
    const usedBlocks = Math.max(root.usedBlockCount, verifiedBlocks);
    return { ...counts, usedBlocks, leftMs: ((usedBlocks - verifiedBlocks) * root.blockSizeBytes * 1000) / bytesPerSecond };
  }

  #needPass(): Pass {
    if (this.#pass !== undefined) return this.#pass;
    const { volume } = this.#options;
    throw new MirrorpointError('not-found', `No scrub of volume ${volume} is under way. Begin one by \`mirrorpoint scrub start ${volume}\`.`);
  }

  #go(): void {
    if (this.#pass === undefined || this.#pass.isPaused || this.#isClosed) return;
    this.#running ??= this.#run()
      .catch((fault: unknown) => {
        this.#options.events.add(this.#subject, `The scrub has ended with a fault in the program: ${reasonOf(fault)}`, { level: 'problem' });
      })
      .finally(() => {
        this.#running = undefined;
        this.#changed();
      });
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    let savedMs = clock.monotonicMs();
    for (let pass = this.#pass; pass !== undefined && !pass.isPaused && !this.#isClosed; pass = this.#pass) {
      const startedMs = clock.monotonicMs();
      const bytes = await this.#stretch(pass);
      if (bytes === undefined) return;
      this.#changed();
      if (pass.state.phase === 'done') {
        await this.#finish(pass);
        return;
      }
      if (clock.monotonicMs() - savedMs > savedEveryMs) {
        await this.#save();
        savedMs = clock.monotonicMs();
      }
      await this.#sleep((bytes * 1000) / pass.bytesPerSecond - (clock.monotonicMs() - startedMs));
    }
  }

  /** Resolves to the bytes that were read; undefined when the pass cannot go on, which is said. */
  async #stretch(pass: Pass): Promise<number | undefined> {
    try {
      const subject = this.#options.subject();
      if (toHex(subject.root.volumeId) !== pass.volumeId) {
        this.#pass = undefined;
        return undefined;
      }
      const { blockSizeBytes } = subject.geometry;
      const wanted = Math.floor(pass.bytesPerSecond / stretchesPerSecond / blockSizeBytes);
      const blocks = Math.min(stretchBlocksMax, Math.max(stretchBlocksMin, wanted));
      return (await new ScrubPass(subject, pass.state).stretch(blocks)) * blockSizeBytes;
    } catch (fault) {
      if (!isFault(fault)) throw fault;
      // A volume that is being closed takes its scrub up again when it is opened.
      if (fault.code === 'device-closed') return undefined;
      pass.isPaused = true;
      await this.#save();
      this.#options.events.add(this.#subject, `The scrub is paused: ${fault.message}`, {
        level: 'warning',
        next: `See to that, then go on by \`mirrorpoint scrub start ${this.#options.volume}\`.`,
      });
      return undefined;
    }
  }

  async #finish({ startedWallMs, state }: Pass): Promise<void> {
    const { subject, liveLabel, clock, onPassEnd } = this.#options;
    const { files, maps } = await reportDamage(subject(), state.damage, liveLabel);
    const { verifiedBlocks, healedBlocks, servedBlocks, lostBlocks, mendedCopies } = state;
    const result = { startedWallMs, endedWallMs: clock.wallMs(), verifiedBlocks, healedBlocks, servedBlocks, lostBlocks, mendedCopies, files, maps };
    this.#last = result;
    this.#pass = undefined;
    await this.#save();
    this.#tell(result);
    onPassEnd(startedWallMs);
  }

  #tell(result: ScrubResult): void {
    const { alerts, events, volume } = this.#options;
    const { verifiedBlocks, healedBlocks, servedBlocks, lostBlocks, mendedCopies } = result;
    const text =
      `The scrub proved ${verifiedBlocks} blocks; ${healedBlocks} bad ones were rewritten from the other side, ` +
      `${servedBlocks} could not be rewritten, ${lostBlocks} are right nowhere; ${mendedCopies} copies of root node and labels were written anew.`;
    events.add(this.#subject, text, { level: lostBlocks + servedBlocks > 0 ? 'warning' : 'info' });
    if (lostBlocks === 0) alerts.clear('scrub-errors', this.#subject, 'A scrub found no block any more that is right nowhere.');
    else {
      alerts.raise({
        kind: 'scrub-errors',
        level: 'problem',
        subject: this.#subject,
        text: `${lostBlocks} blocks are right neither here nor on another side that could be asked: ${hitsText(result)}.`,
        next: `See them by \`mirrorpoint scrub status ${volume}\`; restore the files from elsewhere, or scrub again with the other side connected.`,
      });
    }
  }

  #tick(): void {
    this.#cancelTick();
    const { clock, schedule, events } = this.#options;
    const { everyDays } = schedule();
    if (everyDays > 0 && this.#pass === undefined && clock.wallMs() >= this.#dueWallMs(everyDays)) {
      this.start().catch((fault: unknown) => {
        // An empty mirror has nothing to scrub yet.
        if (!isFault(fault, 'not-found')) events.add(this.#subject, `The scrub that is due did not begin: ${reasonOf(fault)}`);
      });
    }
    this.#cancelTick = clock.setTimer(scheduleTickMs, () => {
      this.#tick();
    });
  }

  #dueWallMs(everyDays: number): number {
    return (this.#last?.endedWallMs ?? this.#sinceWallMs) + everyDays * dayMs;
  }

  get #subject(): string {
    return `volume ${this.#options.volume}`;
  }

  async #sleep(delayMs: number): Promise<void> {
    if (delayMs <= 0 || this.#isClosed || this.#pass?.isPaused !== false) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(delayMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Waits until nothing runs any more. */
  async #settle(): Promise<void> {
    this.#wake();
    await this.#running;
  }

  async #save(): Promise<void> {
    const stored = { sinceWallMs: this.#sinceWallMs, last: this.#last, pass: this.#pass };
    try {
      await this.#options.lines.replace([JSON.stringify(stored)]);
    } catch (fault) {
      // A position that is not stored costs a pass that begins anew after a restart.
      if (!isFault(fault)) throw fault;
    }
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Refuses a pace at which nothing would ever end. */
export function checkRate(bytesPerSecond: number | undefined): void {
  if (bytesPerSecond === undefined || bytesPerSecond >= scrubRateMin) return;
  throw new MirrorpointError(
    'argument-invalid',
    `A scrub at ${bytesPerSecond} bytes per second would never come to its end. Give it at least ${scrubRateMin >> 10}K, or pause it.`,
  );
}

function parseStored(line: string | undefined): z.infer<typeof storedSchema> | undefined {
  if (line === undefined) return undefined;
  try {
    return storedSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function hitsText({ files, maps }: ScrubResult): string {
  const first = files.slice(0, pathsInAlert).map(({ path, states }) => `${path} (${states.join(', ')})`);
  const more = files.length > pathsInAlert ? [`${files.length - pathsInAlert} more files`] : [];
  const own = maps.length > 0 ? [`the volume's own maps ${maps.join(', ')}`] : [];
  const all = [...first, ...more, ...own];
  return all.length === 0 ? 'no file that still has a name' : all.join(', ');
}
