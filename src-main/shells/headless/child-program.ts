import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { untilInputEnds } from '../programs/program-life.ts';

/**
 * Programs that run in a process of their own for a short while: they touch what
 * could stop or harm a server. What they report is looked at before it is believed.
 */
export type ProgramName = 'discovery' | 'drives';

interface ProgramNeeds {
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

/** For whoever starts them. */
export const programNeeds: Readonly<Record<ProgramName, ProgramNeeds>> = {
  discovery: { env: {}, isConfined: true },
  // Each drive that does not answer keeps a thread.
  drives: { env: { UV_THREADPOOL_SIZE: '128' }, isConfined: false },
};

/** How much a program may have of the memory for its objects. */
const memoryMiB = 96;

export const memoryOption = `--max-old-space-size=${memoryMiB}`;

/** Starts programs by Node: by the one that runs this program, or by a command that ends with one. */
export function startByNode(command: readonly string[] = [process.execPath]): StartProgram {
  const [program = process.execPath, ...before] = command;
  return (name, task) => {
    const { env, isConfined } = programNeeds[name];
    const script = join(import.meta.dirname, '..', 'programs', `${name}-program.ts`);
    const confinement = isConfined ? ['--permission', '--allow-fs-read=*'] : [];
    const child = spawn(program, [...before, memoryOption, ...confinement, script, task, untilInputEnds], {
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
  readonly charactersMax: number;
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
  const { schema, onReport, isEnough = () => false, timeMs, reportsMax, charactersMax } = options;
  const over = Promise.withResolvers<undefined>();
  let [characters, reports, rest] = [0, 0, ''];
  const hear = (line: string): boolean => {
    const report = parsed(line, schema);
    if (report === undefined || ++reports > reportsMax) return false;
    onReport(report);
    return !isEnough();
  };
  program.output.setEncoding('utf8');
  program.output.on('data', (text: string) => {
    characters += text.length;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (characters > charactersMax || !lines.every(hear)) over.resolve(undefined);
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
