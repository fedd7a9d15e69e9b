import { MirrorpointError } from '../../base/index.ts';
import type { DriveFacts, MachinePort } from '../../engine/index.ts';
import { drivesMax, drivesReportSchema, type DrivesTask, type ListedDrive } from '../programs/drives-task.ts';
import { hearReports, type StartProgram } from './child-program.ts';

/** How long a drive may take to answer: one that sleeps has to start first. */
const answerMsMax = 15_000;

const reportCharactersMax = 16 << 20;

/** Programs that wait for one drive, and cannot be ended meanwhile: a drive is asked twice, since the machine may have been busy. */
const programsPerDriveMax = 2;

/** What came of one look at the drives. */
interface Looked {
  readonly listed: readonly ListedDrive[];
  readonly looks: ReadonlyMap<string, DriveFacts['look']>;
  /** Device numbers of the paths that were asked about. */
  readonly numbers: ReadonlyMap<string, string>;
}

/** The drives of this machine, by a program of its own for each look. */
export class MachineDrives {
  readonly #start: StartProgram;
  readonly #answerMsMax: number;
  /** Programs that have not ended, and the drives that had not answered them. */
  readonly #silent = new Map<object, readonly string[]>();
  /** One look at a time: two would find each other's drives claimed. */
  #current: Promise<unknown> = Promise.resolve();
  /** The look after that, which is that of all who ask meanwhile, and what they ask about. */
  #next: Promise<Looked> | undefined;
  readonly #asked = new Set<string>();

  constructor(start: StartProgram, options: { answerMsMax?: number } = {}) {
    this.#start = start;
    this.#answerMsMax = options.answerMsMax ?? answerMsMax;
  }

  /** As the port says. */
  readonly list: MachinePort['drives'] = async (asked) => {
    for (const path of asked) this.#asked.add(path);
    this.#next ??= this.#current.then(() => this.#begin());
    const { listed, looks, numbers } = await this.#next;
    return listed.map(({ number, ...drive }) => ({
      ...drive,
      look: looks.get(drive.path) ?? silent(drive.path),
      knownAs: asked.filter((path) => numbers.get(path) === number),
    }));
  };

  #begin(): Promise<Looked> {
    const asked = [...this.#asked];
    this.#asked.clear();
    this.#next = undefined;
    const looking = this.#look({ asked, spared: this.#spared });
    this.#current = looking.catch(() => undefined);
    return looking;
  }

  /** Drives that keep so many programs already are not asked by one more. */
  get #spared(): string[] {
    const waiting = [...this.#silent.values()].flat();
    return [...new Set(waiting)].filter((path) => waiting.filter((other) => other === path).length >= programsPerDriveMax);
  }

  async #look(task: DrivesTask): Promise<Looked> {
    const program = this.#start('drives', JSON.stringify(task));
    const looks = new Map<string, DriveFacts['look']>();
    const numbers = new Map<string, string>();
    let listed: readonly ListedDrive[] | undefined;
    await hearReports(program, {
      schema: drivesReportSchema,
      onReport: (report) => {
        if (report.report === 'listed') listed ??= report.drives;
        else if (report.report === 'leads') numbers.set(report.asked, report.number);
        else if (report.report === 'unseen') looks.set(report.path, { kind: 'unseen', reason: report.reason });
        else {
          const { contents, volumeId, isClaimed, token } = report;
          looks.set(report.path, { kind: 'seen', contents, volumeId, isClaimed, token });
        }
      },
      timeMs: this.#answerMsMax,
      reportsMax: 1 + drivesMax + task.asked.length,
      charactersMax: reportCharactersMax,
    });
    if (listed === undefined) {
      throw new MirrorpointError('device-io', 'The drives of this machine could not be listed: the program that looks at them said nothing. Look at the system log, and try again.');
    }
    this.#remember(program, listed.map(({ path }) => path).filter((path) => !looks.has(path) && !task.spared.includes(path)));
    return { listed, looks, numbers };
  }

  /** Until the program is gone, which it is at once unless a drive keeps it. */
  #remember(program: ReturnType<StartProgram>, paths: readonly string[]): void {
    if (paths.length === 0) return;
    this.#silent.set(program, paths);
    void program.ended.then(() => this.#silent.delete(program));
  }
}

function silent(path: string): DriveFacts['look'] {
  return { kind: 'unseen', reason: `${path} does not answer. See to the drive and its cable, and look at the system log.` };
}
