import { createHash } from 'node:crypto';

/** What a person tells drives apart by. Empty where the drive does not say. */
export interface DriveIdentity {
  readonly path: string;
  readonly model: string;
  readonly serial: string;
  readonly sizeBytes: number;
}

/** The beginning and the end of a drive, as far as they are looked at. */
export interface DriveEnds {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/**
 * Stands for a drive with what it holds: another drive at the same path, or the
 * same one after something was written to its beginning or end, has another.
 */
export function driveToken({ path, model, serial, sizeBytes }: DriveIdentity, { head, tail }: DriveEnds): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([path, model, serial, sizeBytes, head.length, tail.length]));
  return hash.update(head).update(tail).digest('hex');
}
