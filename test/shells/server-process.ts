import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ServerStatus } from '../../src-main/contract/index.ts';
import { runCommandLine } from '../../src-main/shells/cli/program.ts';
import { controlEndpoint } from '../../src-main/shells/headless/config-folder.ts';
import { connectControl, type ControlClient } from '../../src-main/shells/headless/control-client.ts';
import { smallHeapFlags } from '../../src-main/shells/small-heap.js';
import type { CommandClient } from '../../src-main/shells/web/console-contract.ts';

const script = fileURLToPath(new URL('../../src-main/shells/cli/mirrorpoint.js', import.meta.url));

const compileCache = fileURLToPath(new URL('../../node_modules/.cache/mirrorpoint', import.meta.url));

export interface Place {
  /** Absolute. */
  readonly configFolder: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What its processes are started by, such as `ip netns exec NAME`. */
  readonly startedBy?: readonly string[];
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the program is started: put together for tests where they have been told of that, else from its sources. */
function startWords(): string[] {
  const built = process.env.MIRRORPOINT_TEST_PROGRAM;
  return built === undefined ? [script] : [...smallHeapFlags, built];
}

/** Starts the program in a process of its own, with nothing to read. */
export function spawnProgram(place: Place, words: readonly string[], how: readonly string[] = startWords()): ChildProcessByStdio<null, Readable, Readable> {
  const [program, ...before] = [...(place.startedBy ?? []), process.execPath];
  return spawn(program, [...before, ...how, '--config', place.configFolder, ...words], {
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env, ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** How many commands run in this process now, which all see its one environment. */
let runningHere = 0;

/** What they found it to be, where it is another for them. */
const environmentBefore = new Map<string, string | undefined>();

function setEnvironment(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}

/** Whether a command may run here now: not beside one that needs another environment. */
function enter({ env = {} }: Place): boolean {
  const others = Object.entries(env).filter(([name, value]) => process.env[name] !== value);
  if (runningHere > 0 && others.length > 0) return false;
  for (const [name, value] of others) {
    environmentBefore.set(name, process.env[name]);
    setEnvironment(name, value);
  }
  runningHere++;
  return true;
}

/** The last one leaves the environment to those who come as it was. */
function leave(): void {
  runningHere--;
  if (runningHere > 0) return;
  for (const [name, value] of environmentBefore) setEnvironment(name, value);
  environmentBefore.clear();
}

/** Whether a server listens there. It is asked by a socket in its folder, whichever network it is in. */
function hasServer({ configFolder }: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(controlEndpoint(configFolder), () => {
      socket.end();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/**
 * Runs one command as the program does once it has started; in a process of its
 * own where it works by itself in another place of the network, or has to be.
 */
export async function runCommand(place: Place, ...words: readonly string[]): Promise<CommandResult> {
  const isElsewhere = place.startedBy !== undefined && place.startedBy.length > 0;
  if ((isElsewhere && !(await hasServer(place))) || !enter(place)) return resultOf(spawnProgram(place, words));
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [stdout, stderr] = [collect(out), collect(err)];
  try {
    const exitCode = await runCommandLine(['--config', place.configFolder, ...words], { streams: { out, err }, signal: new AbortController().signal });
    return { exitCode, stdout: stdout(), stderr: stderr() };
  } finally {
    leave();
  }
}

/** Runs one command in a process of its own, from its sources. */
export function runProgram(place: Place, ...words: readonly string[]): Promise<CommandResult> {
  return resultOf(spawnProgram(place, words, [script]));
}

async function resultOf(child: ReturnType<typeof spawnProgram>): Promise<CommandResult> {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  return () => Buffer.concat(parts).toString('utf8');
}

/** What a server says when it is ready. */
export interface ReadyLine {
  readonly ready: true;
  readonly processId: number;
  readonly listen: readonly string[];
  readonly volumes: ServerStatus['volumes'];
  /** Where the console is served. */
  readonly console: readonly string[];
}

/** A server in a process of its own, with a connection to it. */
export class ServerProcess implements AsyncDisposable {
  readonly ready: ReadyLine;
  readonly #child: ChildProcess;
  readonly #control: ControlClient;
  readonly #errors: () => string;

  private constructor(parts: { ready: ReadyLine; child: ChildProcess; control: ControlClient; errors: () => string }) {
    this.ready = parts.ready;
    this.#child = parts.child;
    this.#control = parts.control;
    this.#errors = parts.errors;
  }

  /** Starts a server and waits until it is ready. */
  static async start(place: Place, ...words: readonly string[]): Promise<ServerProcess> {
    const { configFolder } = place;
    const child = spawnProgram(place, ['--json', 'serve', ...words]);
    const errors = collect(child.stderr);
    const ready = await readyLine(child);
    const control = ready && (await connectControl(controlEndpoint(configFolder)));
    if (ready === undefined || control === undefined) {
      child.kill('SIGKILL');
      throw new Error(`the server of ${configFolder} did not start: ${errors()}`);
    }
    return new ServerProcess({ ready, child, control, errors });
  }

  get client(): CommandClient {
    return this.#control.client;
  }

  get processId(): number {
    return this.ready.processId;
  }

  get stderr(): string {
    return this.#errors();
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends the process as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends the process in order; resolves to its exit status. */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM');
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.isRunning) {
      const ended = once(this.#child, 'close');
      this.#child.kill(signal);
      await ended;
    }
    await this.#control.close();
  }
}

async function readyLine(child: ChildProcess): Promise<ReadyLine | undefined> {
  if (child.stdout === null) return undefined;
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null && 'ready' in value) resolve(value as ReadyLine);
    });
    child.once('close', () => {
      resolve(undefined);
    });
  });
}
