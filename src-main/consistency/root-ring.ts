import { bytesEqual, isFault, isZero, MirrorpointError, toHex } from '../base/index.ts';
import type { Device } from '../device/index.ts';
import { decodeRootNode, isWholeRoot, type RootMark, type RootNode, rootChecksumOf, rootNodeBytes } from '../format/index.ts';

/** Places in each root area; CP n stands in place n modulo this. */
export const rootPlaces = 16;

/** Bytes from one place to the next, so that no write of one touches another whatever the sector size. */
export const rootStrideBytes = 65536;

/** A root node read back from the ring. */
export interface FoundRoot {
  root: RootNode;
  bytes: Uint8Array;
  /** Copies of it that were damaged or missing. */
  damagedCopies: number;
}

/**
 * The ring of root nodes: CP n is written to place n modulo 16 of two root
 * areas, so that a torn write harms neither the CP before nor both copies. The
 * newest whole root wins (the scheme of ZFS's uberblocks and WAFL's fsinfo).
 */
export class RootRing {
  readonly #areas: readonly Device[];
  readonly #volumeId: Uint8Array;

  constructor(areas: readonly Device[], volumeId: Uint8Array) {
    this.#areas = areas;
    this.#volumeId = volumeId;
  }

  /** Writes a root node to every area. The caller flushes before and after. */
  async write(cp: number, bytes: Uint8Array): Promise<void> {
    const offset = (cp % rootPlaces) * rootStrideBytes;
    await Promise.all(this.#areas.map((area) => area.write(offset, [bytes])));
  }

  /** Writes a root node again wherever its copy is not as it should be; resolves to how many those were. The caller flushes. */
  async mend(cp: number, bytes: Uint8Array): Promise<number> {
    const offset = (cp % rootPlaces) * rootStrideBytes;
    let mended = 0;
    for (const area of this.#areas) {
      const copy = await readPlace(area, offset);
      if (copy !== undefined && bytesEqual(copy, bytes)) continue;
      await area.write(offset, [bytes]);
      mended++;
    }
    return mended;
  }

  /**
   * Clears every place, durably. The newest root goes last, and its first copy
   * after the second: a crash leaves it, or a torn first copy and nothing else.
   */
  async erase(newestCp: number): Promise<void> {
    const clear = (area: Device, cp: number): Promise<void> =>
      area.write((cp % rootPlaces) * rootStrideBytes, [new Uint8Array(rootNodeBytes)]);
    for (const area of this.#areas) {
      for (let step = 1; step < rootPlaces; step++) await clear(area, newestCp + step);
      await area.flush();
    }
    for (const area of this.#areas.toReversed()) {
      await clear(area, newestCp);
      await area.flush();
    }
  }

  /** Every whole root of the volume that stands in the ring, of any age. */
  async marks(): Promise<RootMark[]> {
    const places = await this.#read();
    const marks = new Map<number, RootMark>();
    for (const bytes of places.flat()) {
      if (bytes === undefined || !isWholeRoot(bytes)) continue;
      const { cp, volumeId } = decodeRootNode(bytes);
      if (bytesEqual(volumeId, this.#volumeId)) marks.set(cp, { cp, checksum: rootChecksumOf(bytes) });
    }
    return [...marks.values()].sort((a, b) => a.cp - b.cp);
  }

  /**
   * The newest whole root node, or undefined when no place was ever written.
   * Throws `volume-damaged` when places were written and none is whole,
   * `format-too-new` when the newest is from a later version.
   */
  async newest(): Promise<FoundRoot | undefined> {
    return this.#newestOf(await this.#read());
  }

  /**
   * As `newest`, for whoever goes on from that root and will write over what it
   * does not reference. A copy that could not be read now may be whole again
   * later, and hold a newer root, whose CP nobody was told of, since its other
   * copy does not stand. One that is torn lacks sectors that the next root in its
   * place may have the same, and would be whole when that is torn as well. Both
   * are cleared first. Throws `device-io` when neither copy in a place can be
   * read, for then nobody knows.
   */
  async settle(): Promise<FoundRoot | undefined> {
    const places = await this.#read();
    const found = this.#newestOf(places);
    for (let place = 0; place < rootPlaces; place++) {
      const copies = places.map((area) => area[place]);
      if (found !== undefined && copies.some((copy) => copy !== undefined && bytesEqual(copy, found.bytes))) continue;
      if (copies.every((copy) => copy === undefined)) throw this.#unreadable(place);
      for (const [index, area] of this.#areas.entries()) {
        const copy = copies[index];
        if (copy !== undefined && (isWholeRoot(copy) || isZero(copy))) continue;
        await area.write(place * rootStrideBytes, [new Uint8Array(rootNodeBytes)]);
        await area.flush();
      }
    }
    return found;
  }

  #read(): Promise<(Uint8Array | undefined)[][]> {
    return Promise.all(this.#areas.map((area) => readPlaces(area)));
  }

  #unreadable(place: number): MirrorpointError {
    return new MirrorpointError(
      'device-io',
      `${this.#areas[0]!.name}: neither copy of root ${place} can be read, which may be the newest of volume ${toHex(this.#volumeId)}. ` +
        'Nothing was changed. Try again; if it stays so, replace the device, or promote the mirror.',
    );
  }

  #newestOf(places: readonly (readonly (Uint8Array | undefined)[])[]): FoundRoot | undefined {
    let best: FoundRoot | undefined;
    for (const bytes of places.flat()) {
      if (bytes === undefined || !isWholeRoot(bytes)) continue;
      const root = decodeRootNode(bytes);
      if (!bytesEqual(root.volumeId, this.#volumeId)) continue;
      if (best === undefined || root.cp > best.root.cp) best = { root, bytes, damagedCopies: 0 };
    }
    if (best === undefined) {
      const damaged = places.flat().filter((bytes) => bytes === undefined || (!isWholeRoot(bytes) && !isZero(bytes))).length;
      if (damaged === 0) return undefined;
      throw new MirrorpointError(
        'volume-damaged',
        `Volume ${toHex(this.#volumeId)} has no whole root node: ${damaged} places in the root areas of ` +
          `${this.#areas[0]!.name} are damaged. Open its mirror instead, and make this volume anew from it.`,
      );
    }
    const place = best.root.cp % rootPlaces;
    for (const area of places) {
      const copy = area[place];
      if (copy === undefined || !bytesEqual(copy, best.bytes)) best.damagedCopies++;
    }
    return best;
  }
}

async function readPlaces(area: Device): Promise<(Uint8Array | undefined)[]> {
  return Promise.all(Array.from({ length: rootPlaces }, (_, place) => readPlace(area, place * rootStrideBytes)));
}

/** undefined for a place that cannot be read. */
async function readPlace(area: Device, offsetBytes: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(rootNodeBytes);
  try {
    await area.read(offsetBytes, [bytes]);
    return bytes;
  } catch (fault) {
    if (isFault(fault, 'device-io')) return undefined;
    throw fault;
  }
}
