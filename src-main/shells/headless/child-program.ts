import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { untilInputEnds } from '../programs/program-life.ts';

/**
 * Programs that run in a process of their own for a short while: they touch what
 * could stop or harm a server. What they report is looked at before it is believed.
 */
export type ProgramName = 'discovery' | 'drives';

export interface ProgramSpec {
  /** Where its script is, as a path. */
  readonly script: string;
  /** What its process needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it does without writing, and without programs of its own. */
  readonly isConfined: boolean;
}

export interface RunningProgram {
  /** What it reports, line by line. */
  readonly output: Readable;
  /** Resolves when its process is gone; a process that waits for a drive may stay for long. */
  readonly ended: Promise<void>;
  /** Asks it to end. */
  stop(): void;
  kill(): void;
}

/** Starts a program with its task as the first argument. Another shell has another way to start processes. */
export type StartProgram = (name: ProgramName, task: string) => RunningProgram;

const scripts: Readonly<Record<ProgramName, Omit<ProgramSpec, 'script'>>> = {
  discovery: { env: {}, isConfined: true },
  // Each drive that does not answer keeps a thread.
  drives: { env: { UV_THREADPOOL_SIZE: '128' }, isConfined: false },
};

/** What belongs to a program, for whoever starts it. */
export function programSpec(name: ProgramName): ProgramSpec {
  return { ...scripts[name], script: fileURLToPath(new URL(`../programs/${name}-program.ts`, import.meta.url)) };
}

/** Bytes of new objects and old ones that such a program may have, in MiB. */
const memoryMiB = 96;

/** Starts programs by Node: by the one that runs this program, or by a command that ends with one. */
export function startByNode(command: readonly string[] = [process.execPath]): StartProgram {
  const [program = process.execPath, ...before] = command;
  return (name, task) => {
    const { script, env, isConfined } = programSpec(name);
    const confinement = isConfined ? ['--permission', '--allow-fs-read=*'] : [];
    const child = spawn(program, [...before, `--max-old-space-size=${memoryMiB}`, ...confinement, script, task, untilInputEnds], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    child.stdin.on('error', () => undefined);
    child.unref();
    return {
      output: child.stdout,
      ended,
      stop: () => child.stdin.end(),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

export interface ReportLimits {
  /** How long to listen at the most. */
  readonly timeMs: number;
  readonly reportsMax: number;
  readonly bytesMax: number;
}

/**
 * Hears what a program reports, until it ends, the time is over, the listener
 * says that it has heard enough, or something comes that is no report; then the
 * program is killed. Nothing that it does is a fault.
 */
export async function hearReports<T>(
  program: RunningProgram,
  options: ReportLimits & { readonly schema: z.ZodType<T>; readonly onReport: (report: T) => void; readonly isEnough?: () => boolean },
): Promise<void> {
  const { schema, onReport, isEnough = () => false, timeMs, reportsMax, bytesMax } = options;
  const over = Promise.withResolvers<undefined>();
  let [bytes, reports, rest] = [0, 0, ''];
  const hear = (line: string): boolean => {
    const report = parsed(line, schema);
    if (report === undefined || ++reports > reportsMax) return false;
    onReport(report);
    return !isEnough();
  };
  program.output.setEncoding('utf8');
  program.output.on('data', (text: string) => {
    bytes += text.length;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (bytes > bytesMax || !lines.every(hear)) over.resolve(undefined);
  });
  program.output.on('end', () => over.resolve(undefined)).on('error', () => over.resolve(undefined));
  const timer = setTimeout(() => over.resolve(undefined), timeMs);
  await over.promise;
  clearTimeout(timer);
  program.output.removeAllListeners('data');
  program.output.destroy();
  program.kill();
}

function parsed<T>(line: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
