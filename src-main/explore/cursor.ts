import { MirrorpointError } from '../base/index.ts';

/** Where a walk goes on: what kind of place it is, some numbers, and a path with, perhaps, the name of an entry in it. */
export interface Cursor<Kind extends string> {
  readonly kind: Kind;
  readonly numbers: readonly number[];
  readonly path: string;
  /** The entry of the folder at `path` behind which to go on. */
  readonly name?: string | undefined;
}

/** How many numbers each kind of place has. */
export type CursorShapes<Kind extends string> = Readonly<Record<Kind, number>>;

const form = /^([a-z]+)((?: [0-9]{1,15})*) (\/[^\0]*)(?:\0([^\0/]{1,255}))?$/s;

/** A place as a text, which `readCursor` takes apart. Names hold no zero character, so one parts them. */
export function writeCursor<Kind extends string>({ kind, numbers, path, name }: Cursor<Kind>): string {
  return `${[kind, ...numbers].join(' ')} ${path}${name === undefined ? '' : `\0${name}`}`;
}

/** Throws `argument-invalid` for a text that `writeCursor` does not write. */
export function readCursor<Kind extends string>(text: string, shapes: CursorShapes<Kind>): Cursor<Kind> {
  const [, kind = '', digits = '', path = '', name] = form.exec(text) ?? [];
  const numbers = digits.split(' ').slice(1).map(Number);
  if (!isKind(kind, shapes) || numbers.length !== shapes[kind]) throw strangeCursor(text);
  return { kind, numbers, path, name };
}

function isKind<Kind extends string>(kind: string, shapes: CursorShapes<Kind>): kind is Kind {
  return Object.hasOwn(shapes, kind);
}

export function strangeCursor(text: string): MirrorpointError {
  return new MirrorpointError('argument-invalid', `"${text.slice(0, 60)}" is no place that an answer said to go on from. Leave it out to begin anew.`);
}
