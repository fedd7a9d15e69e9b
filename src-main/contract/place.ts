import { z } from 'zod';
import { MirrorpointError } from '../base/index.ts';

const utf8 = new TextEncoder();

function utf8Bytes(text: string): number {
  return utf8.encode(text).length;
}

/** The state of a CP that is kept, or a snapshot. */
export const keptRootSchema = z.union([z.object({ cp: z.int().min(1) }), z.object({ snapshot: z.string().min(1).max(255) })]);
export type KeptRootChoice = z.infer<typeof keptRootSchema>;

/**
 * Which state of a volume is meant: what is there now, the last CP, the state
 * of a CP that is still kept, or a snapshot. A mirror's `live` is its last CP.
 */
export const rootChoiceSchema = z.union([z.literal('live'), z.literal('last'), keptRootSchema]);
export type RootChoice = z.infer<typeof rootChoiceSchema>;

const nameShape = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const nameRule = 'a name is 1 to 63 letters, digits, dots, hyphens and underscores, and begins with a letter or digit';

export const volumeNameSchema = z.string().regex(nameShape, nameRule);

const snapshotRule = "a snapshot's name is 1 to 100 bytes without control characters, '/', '@' and ':', and not 'live', 'last' or 'cp=…'";

function isSnapshotName(name: string, bytesMax = 100): boolean {
  if (name === '' || /[\u0000-\u001f/@:]/.test(name) || !name.isWellFormed()) return false;
  return utf8Bytes(name) <= bytesMax && name !== 'live' && name !== 'last' && !name.startsWith('cp=');
}

export const snapshotNameSchema = z.string().refine((name) => isSnapshotName(name), snapshotRule);
export const holdLabelSchema = z
  .string()
  .refine((label) => isSnapshotName(label, 32), "a hold's label is 1 to 32 bytes without control characters, '/', '@' and ':'");
export const holdReasonSchema = z
  .string()
  .refine(
    (reason) => reason !== '' && !/[\u0000-\u001f]/.test(reason) && reason.isWellFormed() && utf8Bytes(reason) <= 200,
    "a hold's reason is 1 to 200 bytes without control characters",
  );

/** A path inside a volume: absolute, `/`-separated, without `.` and `..`. */
export const volumePathSchema = z.string().max(65_536).transform((path, context) => {
  const normal = normalPath(path);
  if (normal !== undefined) return normal;
  context.addIssue({ code: 'custom', message: pathRule });
  return z.NEVER;
});

export const placeSchema = z.object({
  volume: volumeNameSchema,
  at: rootChoiceSchema.default('live'),
  path: volumePathSchema,
});
export type Place = z.infer<typeof placeSchema>;

const pathRule = "a path inside a volume has no '.', '..' or NUL in it";

/** The path with single slashes and a leading one, or undefined when it could lead out of where it seems to. */
function normalPath(path: string): string | undefined {
  if (path.includes('\0')) return undefined;
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.some((part) => part === '.' || part === '..')) return undefined;
  return `/${parts.join('/')}`;
}

/** Checks a path inside a volume. Throws `path-escapes`. */
export function checkVolumePath(path: string): string {
  const normal = normalPath(path);
  if (normal !== undefined) return normal;
  throw new MirrorpointError('path-escapes', `The path '${path}' was refused: ${pathRule}. Write it out in full.`);
}

/** The parts of a path, none for the root. */
export function pathParts(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '');
}

/** The path of an entry of a folder. */
export function childPath(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** The folder that holds a path, and its last name; undefined for the root. */
export function splitPath(path: string): { folder: string; name: string } | undefined {
  const at = path.lastIndexOf('/');
  const name = path.slice(at + 1);
  if (name === '') return undefined;
  return { folder: at === 0 ? '/' : path.slice(0, at), name };
}

/** Whether a text is meant as a place in a volume: it has a colon, and what stands before it is no path. */
export function looksLikePlace(text: string): boolean {
  const colon = text.indexOf(':');
  // One letter before a colon is a drive on Windows.
  return colon > 1 && !text.slice(0, colon).includes('/') && !text.slice(0, colon).includes('\\');
}

function badPlace(text: string, why: string): MirrorpointError {
  return new MirrorpointError(
    'argument-invalid',
    `'${text}' names no place in a volume: ${why}. Write VOLUME:/path, VOLUME@SNAPSHOT:/path or VOLUME@cp=NUMBER:/path.`,
  );
}

/**
 * Takes apart `VOLUME:/path`, `VOLUME@SNAPSHOT:/path`, `VOLUME@cp=NUMBER:/path`
 * and `VOLUME@last:/path`. Throws `argument-invalid` and `path-escapes`.
 */
export function parsePlace(text: string): Place {
  const colon = text.indexOf(':');
  if (colon < 0) throw badPlace(text, 'it has no colon');
  const head = text.slice(0, colon);
  const path = checkVolumePath(text.slice(colon + 1));
  const sign = head.indexOf('@');
  const volume = sign < 0 ? head : head.slice(0, sign);
  if (!nameShape.test(volume)) throw badPlace(text, `'${volume}' cannot be a volume: ${nameRule}`);
  return { volume, at: sign < 0 ? 'live' : parseRootChoice(text, head.slice(sign + 1)), path };
}

function parseRootChoice(text: string, choice: string): RootChoice {
  if (choice === 'live' || choice === 'last') return choice;
  const cp = /^cp=([0-9]{1,15})$/.exec(choice)?.[1];
  if (cp !== undefined && Number(cp) >= 1) return { cp: Number(cp) };
  if (!isSnapshotName(choice)) throw badPlace(text, `'${choice}' cannot be a snapshot: ${snapshotRule}`);
  return { snapshot: choice };
}

/** The text that `parsePlace` takes apart. */
export function formatPlace(place: Place): string {
  const { volume, at, path } = place;
  if (at === 'live') return `${volume}:${path}`;
  if (at === 'last') return `${volume}@last:${path}`;
  return 'cp' in at ? `${volume}@cp=${at.cp}:${path}` : `${volume}@${at.snapshot}:${path}`;
}
