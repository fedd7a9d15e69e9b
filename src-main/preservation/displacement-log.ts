import {
  assert,
  bytesEqual,
  checksumOf,
  getBigU64,
  getU32,
  getU48,
  MirrorpointError,
  setBigU64,
  setU32,
  setU48,
} from '../base/index.ts';
import type { Device } from '../device/index.ts';
import { decodeRootNode, isWholeRoot, type RootNode, rootChecksumOf, rootNodeBytes } from '../format/index.ts';

/** Why a root is preserved: it is served while another is received, or it was set aside. */
export type PreservedKind = 'served' | 'set-aside';

/** The root that a log belongs to. */
export interface PreservedMark {
  readonly kind: PreservedKind;
  /** What a root that was set aside is called; empty for the other kind. */
  readonly name: string;
  readonly root: RootNode;
  readonly rootBytes: Uint8Array;
}

/** Blocks `vbn` to `vbn + count - 1` of the root now stand at `place` and behind it. */
export interface Displacement {
  readonly vbn: number;
  readonly place: number;
  readonly count: number;
}

/** The parts of a mirror's journal region: one log for each kind. */
const slots: Readonly<Record<PreservedKind, number>> = { 'set-aside': 0, served: 1 };

const headMagic = new Uint8Array(Buffer.from('MPKEPT\r\n', 'latin1'));
const recordMagic = 0x4c44504d;
const logVersion = 1;
const kindNumbers: Readonly<Record<PreservedKind, number>> = { served: 1, 'set-aside': 2 };
const kinds = [undefined, 'served', 'set-aside'] as const;

const pageBytes = 4096;
const headBytes = pageBytes + rootNodeBytes;
const halvesOffset = 2 * headBytes;
const rootChecksumOffset = 32;
const nameOffset = 40;
const nameBytesMax = 255;
const entriesOffset = 32;
const entryBytes = 16;
const entriesPerRecord = Math.floor((pageBytes - 8 - entriesOffset) / entryBytes);

interface Head {
  readonly generation: number;
  readonly mark: PreservedMark | undefined;
}

/**
 * Where the displaced blocks of a preserved root stand, in a part of the
 * journal region, which a mirror does not use otherwise: two copies of a head,
 * written in turn, and two halves for records, of which the newer head names
 * one. What `append` was given is durable when it resolves. FORMAT.md beside this
 * file says every field.
 */
export class DisplacementLog {
  readonly mark: PreservedMark;
  readonly #area: Area;
  #generation: number;
  #end: LogEnd;

  private constructor(area: Area, mark: PreservedMark, at: { generation: number; end: LogEnd }) {
    this.#area = area;
    this.mark = mark;
    this.#generation = at.generation;
    this.#end = at.end;
  }

  /** The log of a kind that stands in the region, with what was displaced; undefined when there is none. */
  static async find(
    region: Device,
    kind: PreservedKind,
  ): Promise<{ log: DisplacementLog; displacements: Displacement[] } | undefined> {
    const area = new Area(region, slots[kind]);
    const head = await area.readHead();
    if (head?.mark?.kind !== kind) return undefined;
    const { displacements, end } = await area.readRecords(head.generation, beginningOf(head.mark));
    return { log: new DisplacementLog(area, head.mark, { generation: head.generation, end }), displacements };
  }

  /** Begins a log for a root of which nothing is displaced yet; durable when it resolves. */
  static async begin(region: Device, mark: PreservedMark): Promise<DisplacementLog> {
    const area = new Area(region, slots[mark.kind]);
    const generation = ((await area.readHead())?.generation ?? 0) + 1;
    await area.writeHead({ generation, mark });
    await area.flush();
    return new DisplacementLog(area, mark, { generation, end: beginningOf(mark) });
  }

  /**
   * Adds displacements; `all` gives every one that holds, these included, when
   * the log has to be written anew. Throws `mirror-full` when they do not fit.
   */
  async append(displacements: readonly Displacement[], all: () => Iterable<Displacement>): Promise<void> {
    const needed = Math.ceil(displacements.length / entriesPerRecord);
    if (this.#end.record + needed > this.#area.recordsMax) {
      await this.#rewrite([...all()]);
      return;
    }
    await this.#write(displacements);
    await this.#area.flush();
  }

  /** Nothing is preserved by it any more; durable when it resolves. */
  async erase(): Promise<void> {
    this.#generation++;
    await this.#area.writeHead({ generation: this.#generation, mark: undefined });
    await this.#area.flush();
  }

  /** Writes what holds into the other half, and then names that half in the head. */
  async #rewrite(all: readonly Displacement[]): Promise<void> {
    if (Math.ceil(all.length / entriesPerRecord) > this.#area.recordsMax) {
      throw new MirrorpointError(
        'mirror-full',
        `The list of the blocks that CP ${this.mark.root.cp} had to move is full: they are scattered too widely. ` +
          'Take out of that CP what is needed, and let it go.',
      );
    }
    this.#generation++;
    this.#end = beginningOf(this.mark);
    await this.#write(all);
    await this.#area.flush();
    await this.#area.writeHead({ generation: this.#generation, mark: this.mark });
    await this.#area.flush();
  }

  async #write(displacements: readonly Displacement[]): Promise<void> {
    const count = Math.ceil(displacements.length / entriesPerRecord);
    const bytes = new Uint8Array(count * pageBytes);
    let end = this.#end;
    for (let index = 0; index < count; index++) {
      const part = displacements.slice(index * entriesPerRecord, (index + 1) * entriesPerRecord);
      end = encodeRecord(bytes.subarray(index * pageBytes, (index + 1) * pageBytes), { generation: this.#generation, after: end }, part);
    }
    if (count > 0) await this.#area.writeRecords(this.#generation, this.#end.record, bytes);
    this.#end = end;
  }
}

/** Where a log ends: the number of its records, and the checksum of the last, which the next one names. */
interface LogEnd {
  readonly record: number;
  readonly checksum: bigint;
}

function beginningOf(mark: PreservedMark): LogEnd {
  return { record: 0, checksum: rootChecksumOf(mark.rootBytes) };
}

/** One kind's part of the region. */
class Area {
  readonly #region: Device;
  readonly #startBytes: number;
  readonly #halfBytes: number;

  constructor(region: Device, slot: number) {
    const lengthBytes = Math.floor(region.sizeBytes / 2 / pageBytes) * pageBytes;
    this.#region = region;
    this.#startBytes = slot * lengthBytes;
    this.#halfBytes = Math.floor((lengthBytes - halvesOffset) / 2 / pageBytes) * pageBytes;
    assert(this.#halfBytes >= pageBytes, 'a journal region has room for the logs of a mirror');
  }

  get recordsMax(): number {
    return this.#halfBytes / pageBytes;
  }

  flush(): Promise<void> {
    return this.#region.flush();
  }

  async readHead(): Promise<Head | undefined> {
    let best: Head | undefined;
    for (const copy of [0, 1]) {
      const bytes = new Uint8Array(headBytes);
      await this.#region.read(this.#startBytes + copy * headBytes, [bytes]);
      const head = decodeHead(bytes);
      if (head !== undefined && head.generation > (best?.generation ?? 0)) best = head;
    }
    return best;
  }

  writeHead(head: Head): Promise<void> {
    return this.#region.write(this.#startBytes + (head.generation % 2) * headBytes, [encodeHead(head)]);
  }

  /** Records of a generation stand in the half that its number names. */
  writeRecords(generation: number, record: number, bytes: Uint8Array): Promise<void> {
    return this.#region.write(this.#recordOffset(generation, record), [bytes]);
  }

  async readRecords(generation: number, beginning: LogEnd): Promise<{ displacements: Displacement[]; end: LogEnd }> {
    const displacements: Displacement[] = [];
    const bytes = new Uint8Array(pageBytes);
    let end = beginning;
    while (end.record < this.recordsMax) {
      await this.#region.read(this.#recordOffset(generation, end.record), [bytes]);
      const found = decodeRecord(bytes, { generation, after: end });
      if (found === undefined) break;
      displacements.push(...found.displacements);
      end = found.end;
    }
    return { displacements, end };
  }

  #recordOffset(generation: number, record: number): number {
    return this.#startBytes + halvesOffset + (generation % 2) * this.#halfBytes + record * pageBytes;
  }
}

function encodeHead({ generation, mark }: Head): Uint8Array {
  const bytes = new Uint8Array(headBytes);
  bytes.set(headMagic, 0);
  setU32(bytes, 8, logVersion);
  setU48(bytes, 16, generation);
  if (mark !== undefined) {
    const name = new TextEncoder().encode(mark.name);
    assert(name.length <= nameBytesMax, 'the name of a preserved root is short');
    setU32(bytes, 12, kindNumbers[mark.kind]);
    setU32(bytes, 24, name.length);
    setBigU64(bytes, rootChecksumOffset, rootChecksumOf(mark.rootBytes));
    bytes.set(name, nameOffset);
    bytes.set(mark.rootBytes, pageBytes);
  }
  setBigU64(bytes, pageBytes - 8, checksumOf(bytes.subarray(0, pageBytes - 8)));
  return bytes;
}

function decodeHead(bytes: Uint8Array): Head | undefined {
  if (!bytesEqual(bytes.subarray(0, headMagic.length), headMagic)) return undefined;
  if (checksumOf(bytes.subarray(0, pageBytes - 8)) !== getBigU64(bytes, pageBytes - 8)) return undefined;
  if (getU32(bytes, 8) > logVersion) {
    throw new MirrorpointError(
      'format-too-new',
      `The mirror keeps an older root in a form of version ${getU32(bytes, 8)}, and this program reads up to ${logVersion}. Update Mirrorpoint on this machine.`,
    );
  }
  const generation = getU48(bytes, 16);
  const kind = kinds[getU32(bytes, 12)];
  if (kind === undefined) return { generation, mark: undefined };
  const rootBytes = bytes.slice(pageBytes);
  if (!isWholeRoot(rootBytes) || rootChecksumOf(rootBytes) !== getBigU64(bytes, rootChecksumOffset)) return undefined;
  const name = new TextDecoder().decode(bytes.subarray(nameOffset, nameOffset + Math.min(getU32(bytes, 24), nameBytesMax)));
  return { generation, mark: { kind, name, root: decodeRootNode(rootBytes), rootBytes } };
}

/** Which life of the log a record belongs to, and what it follows. */
interface RecordPlace {
  readonly generation: number;
  readonly after: LogEnd;
}

function encodeRecord(bytes: Uint8Array, place: RecordPlace, displacements: readonly Displacement[]): LogEnd {
  setU32(bytes, 0, recordMagic);
  setU32(bytes, 4, displacements.length);
  setU48(bytes, 8, place.generation);
  setU48(bytes, 16, place.after.record);
  setBigU64(bytes, 24, place.after.checksum);
  displacements.forEach(({ vbn, place: at, count }, index) => {
    const offset = entriesOffset + index * entryBytes;
    setU48(bytes, offset, vbn);
    setU48(bytes, offset + 6, at);
    setU32(bytes, offset + 12, count);
  });
  const checksum = checksumOf(bytes.subarray(0, pageBytes - 8));
  setBigU64(bytes, pageBytes - 8, checksum);
  return { record: place.after.record + 1, checksum };
}

/** What a record holds, or undefined when it is not the one looked for: the end of the log. */
function decodeRecord(bytes: Uint8Array, place: RecordPlace): { displacements: Displacement[]; end: LogEnd } | undefined {
  const checksum = getBigU64(bytes, pageBytes - 8);
  const isIt =
    getU32(bytes, 0) === recordMagic &&
    getU48(bytes, 8) === place.generation &&
    getU48(bytes, 16) === place.after.record &&
    getBigU64(bytes, 24) === place.after.checksum &&
    checksumOf(bytes.subarray(0, pageBytes - 8)) === checksum;
  const count = getU32(bytes, 4);
  if (!isIt || count > entriesPerRecord) return undefined;
  const displacements = Array.from({ length: count }, (_, index) => {
    const offset = entriesOffset + index * entryBytes;
    return { vbn: getU48(bytes, offset), place: getU48(bytes, offset + 6), count: getU32(bytes, offset + 12) };
  });
  return { displacements, end: { record: place.after.record + 1, checksum } };
}
