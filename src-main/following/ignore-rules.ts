import { MirrorpointError } from '../base/index.ts';
import { ignoreLineCharsMax, ignoreLinesMax } from '../contract/index.ts';
import { Glob } from './glob.ts';

/** `**` as a part of a path: any number of folders. */
const anyFolders = 'any folders';

interface Rule {
  /** What it matches is not ignored after all. */
  readonly isException: boolean;
  readonly isForFolders: boolean;
  /** Of the path from the followed folder; for a rule about names one, which any name may match. */
  readonly parts: readonly (Glob | typeof anyFolders)[];
  readonly isAboutNames: boolean;
}

/**
 * What a followed folder leaves out, by lines as git's `.gitignore` has them
 * (gitignore(5)). The last rule that matches decides, and nothing inside an
 * ignored folder can be taken in again.
 */
export class IgnoreRules {
  readonly #rules: readonly Rule[];

  /** Throws `argument-invalid` when there are too many lines, or one is too long. */
  constructor(lines: readonly string[], source = 'the rules about what is ignored') {
    if (lines.length > ignoreLinesMax) {
      throw new MirrorpointError('argument-invalid', `There are ${lines.length} lines in ${source}; at most ${ignoreLinesMax} are possible. Put what is to be ignored under fewer patterns.`);
    }
    const long = lines.find((line) => line.length > ignoreLineCharsMax);
    if (long !== undefined) {
      throw new MirrorpointError('argument-invalid', `A line in ${source} has ${long.length} characters: '${long.slice(0, 40)}…'. At most ${ignoreLineCharsMax} are possible.`);
    }
    this.#rules = lines.flatMap((line) => readRule(line) ?? []);
  }

  /** Whether the path from the followed folder, by its parts, is left out, itself or with a folder above it. */
  ignores(parts: readonly string[], isFolder: boolean): boolean {
    for (let depth = 1; depth <= parts.length; depth++) {
      if (this.#ignoresOne(parts.slice(0, depth), depth < parts.length || isFolder)) return true;
    }
    return false;
  }

  /** The same for an entry of a folder that is not left out. */
  ignoresEntry(parts: readonly string[], isFolder: boolean): boolean {
    return this.#ignoresOne(parts, isFolder);
  }

  #ignoresOne(parts: readonly string[], isFolder: boolean): boolean {
    const last = this.#rules.findLast((rule) => (isFolder || !rule.isForFolders) && isMatch(rule, parts));
    return last !== undefined && !last.isException;
  }
}

/** Splits the text of an ignore file; marks of its beginning and of Windows' line ends are not part of a line. */
export function ignoreLines(text: string): string[] {
  return text.replace(/^\ufeff/, '').split('\n').map((line) => line.replace(/\r$/, ''));
}

function readRule(line: string): Rule | undefined {
  if (line.startsWith('#')) return undefined;
  let pattern = withoutTrailingSpaces(line);
  const isException = pattern.startsWith('!');
  if (isException) pattern = pattern.slice(1);
  const isForFolders = pattern.endsWith('/');
  if (isForFolders) pattern = pattern.slice(0, -1);
  if (pattern === '') return undefined;
  const isAboutNames = !pattern.includes('/');
  const texts = pattern.replace(/^\//, '').split('/');
  // Behind the last slash it stands for what is inside, and not for the folder itself.
  if (!isAboutNames && texts.at(-1) === '**') texts.push('*');
  const parts: Rule['parts'][number][] = [];
  for (const text of texts) {
    if (text === '**' && !isAboutNames) {
      if (parts.at(-1) !== anyFolders) parts.push(anyFolders);
      continue;
    }
    const glob = Glob.of(text);
    if (glob === undefined) return undefined;
    parts.push(glob);
  }
  return { isException, isForFolders, parts, isAboutNames };
}

/** Spaces at the end mean nothing, but for one behind a `\`. */
function withoutTrailingSpaces(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === ' ') end--;
  let backslashes = 0;
  while (backslashes < end && line[end - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1 && end < line.length ? line.slice(0, end + 1) : line.slice(0, end);
}

function isMatch({ parts, isAboutNames }: Rule, path: readonly string[]): boolean {
  const [first] = parts;
  if (isAboutNames) return typeof first === 'object' && first.matches(path.at(-1) ?? '');
  let [at, part] = [0, 0];
  let retry: { part: number; at: number } | undefined;
  while (at < path.length) {
    const wanted = parts[part];
    if (wanted === anyFolders) retry = { part: ++part, at };
    else if (wanted?.matches(path[at]!) === true) [at, part] = [at + 1, part + 1];
    else if (retry === undefined) return false;
    else {
      retry.at++;
      ({ part, at } = retry);
    }
  }
  return part === parts.length;
}
