import { MirrorpointError } from '../base/index.ts';
import { takenMax } from '../following/index.ts';
import type { LineLog } from './ports.ts';

/** An inode of the volume, and the identity of what it was taken from. */
export interface TakenEntry {
  readonly ino: number;
  readonly generation: number;
  readonly identity: string;
}

/** The log is written anew when it has so many lines more than twice what it says. */
const spareLines = 10_000;

/**
 * What a follow has taken, so that it knows a renamed file again, and what it
 * may remove. Stored in the order of the work: names before something is put
 * under them, inodes when the volume has them for good. So a server that is
 * killed in between neither takes what others made for its own nor leaves
 * anything behind that it made.
 */
export class FollowRecord {
  readonly #lines: LineLog;
  readonly #byIno = new Map<number, TakenEntry>();
  /** The newest that was taken from an identity. */
  readonly #byIdentity = new Map<string, TakenEntry>();
  readonly #intended = new Set<string>();
  #root: string | undefined;
  #news: string[] = [];
  #hasIntents = false;
  #lineCount = 0;

  private constructor(lines: LineLog) {
    this.#lines = lines;
  }

  static async open(lines: LineLog): Promise<FollowRecord> {
    const record = new FollowRecord(lines);
    const stored = await lines.read();
    for (const line of stored) record.#apply(line);
    record.#lineCount = stored.length;
    return record;
  }

  /** The identity of the followed folder, once it is known. */
  get root(): string | undefined {
    return this.#root;
  }

  get count(): number {
    return this.#byIno.size;
  }

  /** How much is not stored yet. */
  get unsettledCount(): number {
    return this.#news.length;
  }

  /** Paths under which something was to be put when the server was killed. */
  get intended(): readonly string[] {
    return [...this.#intended];
  }

  identityOf({ ino, generation }: Pick<TakenEntry, 'ino' | 'generation'>): string | undefined {
    const known = this.#byIno.get(ino);
    return known?.generation === generation ? known.identity : undefined;
  }

  takenAs(identity: string): TakenEntry | undefined {
    return this.#byIdentity.get(identity);
  }

  setRoot(identity: string): void {
    if (this.#root === identity) return;
    this.#root = identity;
    this.#add(['/', identity]);
  }

  /** Says under which paths something is about to be put; it may be when this has resolved. */
  async intend(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    this.#hasIntents = true;
    await this.#lines.append(paths.map((path) => JSON.stringify(['?', path])));
    this.#lineCount += paths.length;
  }

  /** Throws `unsupported` when nothing more can be remembered. */
  checkRoom(): void {
    if (this.#byIno.size < takenMax) return;
    throw new MirrorpointError('unsupported', `It was left out: a follow takes up to ${takenMax} entries, and has that many. Follow parts of the folder, each by itself, or ignore more of it.`);
  }

  /** Holds at once. */
  take(entry: TakenEntry): void {
    const known = this.#byIno.get(entry.ino);
    if (known?.generation === entry.generation && known.identity === entry.identity) return;
    this.#put(entry);
    this.#add(['+', entry.ino, entry.generation, entry.identity]);
  }

  drop(ino: number): void {
    if (this.#forget(ino)) this.#add(['-', ino]);
  }

  /** Stores what was taken; the volume has all of it for good. */
  async settle(): Promise<void> {
    this.#intended.clear();
    if (this.#hasIntents) this.#add(['.']);
    this.#hasIntents = false;
    if (this.#lineCount + this.#news.length <= 2 * this.#byIno.size + spareLines) {
      await this.#store();
      return;
    }
    const entries = [...this.#byIno.values()].map(({ ino, generation, identity }) => JSON.stringify(['+', ino, generation, identity]));
    const lines = [...(this.#root === undefined ? [] : [JSON.stringify(['/', this.#root])]), ...entries];
    this.#news = [];
    await this.#lines.replace(lines);
    this.#lineCount = lines.length;
  }

  /** Forgets all, for good. */
  async erase(): Promise<void> {
    this.#byIno.clear();
    this.#byIdentity.clear();
    this.#news = [];
    await this.#lines.replace([]);
  }

  #add(line: readonly (string | number)[]): void {
    this.#news.push(JSON.stringify(line));
  }

  async #store(): Promise<void> {
    const lines = this.#news;
    if (lines.length === 0) return;
    this.#news = [];
    try {
      await this.#lines.append(lines);
      this.#lineCount += lines.length;
    } catch (fault) {
      this.#news = [...lines, ...this.#news];
      throw fault;
    }
  }

  #put(entry: TakenEntry): void {
    this.#forget(entry.ino);
    this.#byIno.set(entry.ino, entry);
    this.#byIdentity.set(entry.identity, entry);
  }

  #forget(ino: number): boolean {
    const known = this.#byIno.get(ino);
    if (known === undefined) return false;
    this.#byIno.delete(ino);
    if (this.#byIdentity.get(known.identity) === known) this.#byIdentity.delete(known.identity);
    return true;
  }

  /** A line that cannot be read says nothing: what it spoke of counts as never taken. */
  #apply(line: string): void {
    const parts = readLine(line);
    const [kind, first, generation, identity] = parts;
    if (kind === '+' && typeof first === 'number' && typeof generation === 'number' && typeof identity === 'string') this.#put({ ino: first, generation, identity });
    else if (kind === '-' && typeof first === 'number') this.#forget(first);
    else if (kind === '?' && typeof first === 'string') this.#intended.add(first);
    else if (kind === '.') this.#intended.clear();
    else if (kind === '/' && typeof first === 'string') this.#root = first;
  }
}

function readLine(line: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(line);
    return Array.isArray(parts) ? (parts as unknown[]) : [];
  } catch {
    return [];
  }
}
