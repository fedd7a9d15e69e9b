import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const groups = '/sys/fs/cgroup/blkio';

/** Why drives cannot be made silent here; undefined when they can. */
export function whyNoSilence(): string | undefined {
  return existsSync(join(groups, 'blkio.throttle.read_bps_device')) ? undefined : 'the kernel slows no drive down for single processes here';
}

/** A drive that does not answer some processes: they wait in the kernel for it, and cannot be killed meanwhile. */
export class SilentDrive {
  readonly #group: string;
  readonly #number: string;

  constructor(path: string) {
    this.#group = join(groups, `mirrorpoint-test-${process.pid}-${basename(path)}`);
    this.#number = readFileSync(join('/sys/class/block', basename(path), 'dev'), 'utf8').trim();
    mkdirSync(this.#group);
    this.#limit(1);
  }

  /** What starts the processes that it does not answer. */
  get startedBy(): readonly string[] {
    return ['sh', '-c', `echo $$ > ${this.#group}/cgroup.procs; exec "$@"`, 'sh', process.execPath];
  }

  /** Processes that it keeps. */
  get waitingCount(): number {
    return this.#processes.length;
  }

  /** It answers again. */
  answer(): void {
    this.#limit(0);
  }

  /** Removes what made it silent, once nobody waits for it. */
  async remove(): Promise<void> {
    this.answer();
    while (this.#processes.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    rmdirSync(this.#group);
  }

  get #processes(): string[] {
    return readFileSync(join(this.#group, 'cgroup.procs'), 'utf8').split('\n').filter((line) => line !== '');
  }

  #limit(bytesPerSecond: number): void {
    writeFileSync(join(this.#group, 'blkio.throttle.read_bps_device'), `${this.#number} ${bytesPerSecond}`);
  }
}
