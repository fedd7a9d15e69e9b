import type { Command } from 'commander';
import { MirrorpointError } from '../../base/index.ts';
import type { DeletedEntry, FileVersion, ListedEntry, Place, RootChoice, SearchMatch, StateDifference, StateMark } from '../../contract/index.ts';
import { parsePlace } from '../../contract/index.ts';
import { addCommand, type CommandContext, type Options, type Surroundings } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { table } from './output.ts';
import { readerFor, type ReadingClient, withPeerOption } from './peer-reading.ts';
import { formatMode, formatModified, formatTime } from './values.ts';

interface Step<T> {
  readonly found: readonly T[];
  readonly next?: string | number | undefined;
  /** The state that is looked through. */
  readonly state?: string;
}

/** Asks step by step until there is no more, or Ctrl-C; resolves to how much was found. */
async function eachStep<T, Next extends string | number>(
  { output, signal, withClient }: CommandContext,
  options: Options,
  work: { ask: (client: ReadingClient, next: Next | undefined) => Promise<Step<T> & { readonly next?: Next | undefined }>; show: (found: readonly T[], isLast: boolean) => void },
): Promise<number> {
  return withClient(async (server) => {
    const client = readerFor(server, options);
    let count = 0;
    for (let next: Next | undefined; ; ) {
      if (signal.aborted) throw new MirrorpointError('cancelled', 'Stopped on request; there may be more than was shown.');
      const step = await work.ask(client, next);
      count += step.found.length;
      work.show(step.found, step.next === undefined);
      if (step.next === undefined) return count;
      ({ next } = step);
      output.progress(step.state === undefined ? `${count} found so far` : `looking through ${step.state}, ${count} found so far`);
    }
  });
}

function stateText({ at }: StateMark): string {
  if (typeof at === 'string') return at;
  return 'cp' in at ? `cp=${at.cp}` : at.snapshot;
}

function spanText({ newest, oldest, stateCount }: FileVersion): string {
  return stateCount === 1 ? stateText(newest) : `${stateText(newest)} to ${stateText(oldest)}, ${stateCount} states`;
}

function pathText(path: string, entry: Pick<ListedEntry, 'kind' | 'linkTarget'>): string {
  if (entry.kind === 'symlink') return `${path} -> ${entry.linkTarget ?? ''}`;
  return entry.kind === 'directory' ? `${path}/` : path;
}

function versionLines(versions: readonly FileVersion[]): string[] {
  const rows = versions.map((version) => {
    const { entry } = version;
    const shown = entry === undefined ? ['', '', '', 'not there'] : [formatMode(entry.kind, entry.mode), String(entry.sizeBytes), formatModified(entry.modifiedNs), entry.kind];
    return [formatTime(version.newest.wallMs), spanText(version), ...shown];
  });
  return table(['', '', '', '>', '', ''], rows).slice(1);
}

/** Joins the last version of a step with what goes on with it in the next. */
class VersionRuns {
  #last: FileVersion | undefined;

  /** The versions that are whole now. */
  add(found: readonly FileVersion[]): FileVersion[] {
    const whole: FileVersion[] = [];
    for (const version of found) {
      const last = this.#last;
      if (last !== undefined && version.isContinued === true) {
        this.#last = { ...last, oldest: version.oldest, stateCount: last.stateCount + version.stateCount };
      } else {
        whole.push(...this.rest());
        this.#last = version;
      }
    }
    return whole;
  }

  rest(): FileVersion[] {
    return this.#last === undefined ? [] : [this.#last];
  }
}

async function versions(context: CommandContext, options: Options, text: string): Promise<void> {
  const { volume, at, path } = parsePlace(text);
  if (at !== 'live') throw new MirrorpointError('argument-invalid', `${text} names one state, and versions are looked for in all of them. Name ${volume}:${path}.`);
  const { output } = context;
  const runs = new VersionRuns();
  let [entryCount, versionCount] = [0, 0];
  const show = (found: readonly FileVersion[]): void => {
    const lines = output.json ? [] : versionLines(found);
    versionCount += found.length;
    for (const [index, version] of found.entries()) output.item({ type: 'version', ...version }, () => [lines[index]!]);
  };
  await eachStep<FileVersion, number>(context, options, {
    ask: async (client, before) => {
      const { versions: found, next } = await client.explore.versions({ volume, path, ...(before !== undefined && { before }) });
      return { found, next };
    },
    show: (found, isLast) => {
      entryCount += found.filter(({ entry }) => entry !== undefined).length;
      const whole = runs.add(found);
      if (entryCount > 0) show(isLast ? [...whole, ...runs.rest()] : whole);
    },
  });
  if (entryCount === 0) throw new MirrorpointError('not-found', `No state of volume ${volume} has ${path}. Look for its name: \`mirrorpoint find ${volume}:/ NAME --all\`.`);
  output.item({ type: 'done', versionCount }, () => []);
}

function matchLines(matches: readonly SearchMatch[]): string[] {
  const rows = matches.map(({ path, entry, state }) => [
    formatMode(entry.kind, entry.mode),
    String(entry.sizeBytes),
    formatModified(entry.modifiedNs),
    stateText(state),
    pathText(path, entry),
  ]);
  return table(['', '>', '', '', ''], rows).slice(1);
}

async function find(context: CommandContext, options: Options, placeText: string, text: string): Promise<void> {
  const place = parsePlace(placeText);
  const { output } = context;
  const isOverAll = options.all === true;
  const count = await eachStep<SearchMatch, string>(context, options, {
    ask: async (client, after) => {
      const { matches, next, state } = await client.explore.search({ ...place, text, isOverAll, ...(after !== undefined && { after }) });
      return { found: matches, next, state };
    },
    show: (found) => {
      const lines = output.json ? [] : matchLines(found);
      for (const [index, match] of found.entries()) output.item({ type: 'match', ...match }, () => [lines[index]!]);
    },
  });
  if (count === 0) output.note(`Nothing below ${placeText} has "${text}" in its name${isOverAll ? ', in any state' : '; --all looks through older states too'}.`);
  output.item({ type: 'done', matchCount: count }, () => []);
}

function deletedLines(entries: readonly DeletedEntry[]): string[] {
  const rows = entries.map(({ entry, last }) => [
    formatMode(entry.kind, entry.mode),
    String(entry.sizeBytes),
    formatModified(entry.modifiedNs),
    `last in ${stateText(last)}`,
    pathText(entry.name, entry),
  ]);
  return table(['', '>', '', '', ''], rows).slice(1);
}

/** Lists what a folder has no more. */
export async function listDeleted(context: CommandContext, options: Options, place: Place): Promise<void> {
  const { output } = context;
  const count = await eachStep<DeletedEntry, string>(context, options, {
    ask: async (client, after) => {
      const { entries, next } = await client.explore.deleted({ ...place, ...(after !== undefined && { after }) });
      return { found: entries, next };
    },
    show: (found) => {
      const lines = output.json ? [] : deletedLines(found);
      for (const [index, entry] of found.entries()) output.item({ type: 'deleted', ...entry }, () => [lines[index]!]);
    },
  });
  output.item({ type: 'done', deletedCount: count }, () => []);
}

/** `VOLUME` or `VOLUME@STATE` taken apart. Throws `argument-invalid`. */
function parseState(text: string): { volume: string; at: RootChoice } {
  if (text.includes(':')) throw new MirrorpointError('argument-invalid', `'${text}' names a place, and whole states are compared. Write VOLUME, VOLUME@SNAPSHOT or VOLUME@cp=NUMBER.`);
  const { volume, at } = parsePlace(`${text}:/`);
  return { volume, at };
}

function differenceLine({ what, path, from, before, after }: StateDifference): string {
  const shown = pathText(path, after ?? before ?? { kind: 'file' });
  return `${what.padEnd(7)}  ${what === 'renamed' ? `${from ?? '(unknown)'} -> ` : ''}${shown}`;
}

async function diff(context: CommandContext, options: Options, olderText: string, newerText: string): Promise<void> {
  const [older, newer] = [parseState(olderText), parseState(newerText)];
  const { volume } = newer;
  if (older.volume !== volume) throw new MirrorpointError('argument-invalid', `${olderText} and ${newerText} are states of two volumes, and only those of one are compared. Name the same volume twice.`);
  const { output, exitWith } = context;
  const count = await eachStep<StateDifference, string>(context, options, {
    ask: async (client, after) => {
      const { differences, next } = await client.explore.differences({ volume, older: older.at, newer: newer.at, ...(after !== undefined && { after }) });
      return { found: differences, next };
    },
    show: (found) => {
      for (const difference of found) output.item({ type: 'difference', ...difference }, () => [differenceLine(difference)]);
    },
  });
  if (count > 0) exitWith(exitCodes.differences);
  output.item({ type: 'done', differenceCount: count }, () => [count === 0 ? `Nothing differs between ${olderText} and ${newerText}.` : `${count} differences.`]);
}

export function addExploreCommands(program: Command, surroundings: Surroundings): void {
  addCommand<[string]>(
    program,
    surroundings,
    {
      usage: 'versions <place>',
      summary: 'show what a file or folder was in all states, the newest first; states in which it is the same are one version',
      examples: ['versions work:/projects/plan.txt', 'versions copy:/notes.txt --peer office'],
    },
    withPeerOption,
    async (context, options, place) => versions(context, options, place),
  );
  addCommand<[string, string]>(
    program,
    surroundings,
    {
      usage: 'find <place> <text>',
      summary: 'find files and folders below a folder by a part of their names, whatever its case',
      examples: ['find work:/ budget', 'find work@monday:/projects .txt', 'find copy:/ budget --all --peer office'],
    },
    (command) => withPeerOption(command.option('--all', 'look through older states too; what is found is shown with the newest state that has it')),
    async (context, options, place, text) => find(context, options, place, text),
  );
  addCommand<[string, string]>(
    program,
    surroundings,
    {
      usage: 'diff <older> <newer>',
      summary: 'show what was added, changed, removed and renamed between two states of a volume',
      examples: ['diff work@monday work', 'diff work@monday work@tuesday --json', 'diff copy@monday copy@last --peer office'],
    },
    withPeerOption,
    async (context, options, older, newer) => diff(context, options, older, newer),
  );
}
