/** One sign of a pattern: a character, any one, any number of them, or one of a class. */
type Sign = string | { readonly kind: 'any' | 'many' } | { readonly kind: 'class'; readonly isNegated: boolean; readonly has: (code: number, sign: string) => boolean };

const namedClasses: Readonly<Record<string, RegExp>> = {
  alnum: /^[A-Za-z0-9]$/,
  alpha: /^[A-Za-z]$/,
  blank: /^[ \t]$/,
  cntrl: /^[\u0000-\u001f\u007f]$/,
  digit: /^[0-9]$/,
  graph: /^[!-~]$/,
  lower: /^[a-z]$/,
  print: /^[ -~]$/,
  punct: /^[!-/:-@[-`{-~]$/,
  space: /^[ \t-\r]$/,
  upper: /^[A-Z]$/,
  xdigit: /^[A-Fa-f0-9]$/,
};

/**
 * A pattern for one name, as the shell has it: `*`, `?`, classes and `\`. Its
 * match takes at most the product of both lengths in steps, whatever it is.
 */
export class Glob {
  readonly #signs: readonly Sign[];

  private constructor(signs: readonly Sign[]) {
    this.#signs = signs;
  }

  /** undefined for a pattern that matches nothing: a class without end, or nothing behind the last `\`. */
  static of(pattern: string): Glob | undefined {
    const text = Array.from(pattern);
    const signs: Sign[] = [];
    for (let at = 0; at < text.length; at++) {
      const sign = text[at]!;
      if (sign === '\\') {
        const next = text[++at];
        if (next === undefined) return undefined;
        signs.push(next);
      } else if (sign === '?') signs.push({ kind: 'any' });
      else if (sign === '*') {
        const last = signs.at(-1);
        if (typeof last !== 'object' || last.kind !== 'many') signs.push({ kind: 'many' });
      } else if (sign === '[') {
        const found = readClass(text, at + 1);
        if (found === undefined) return undefined;
        signs.push(found.sign);
        at = found.end;
      } else signs.push(sign);
    }
    return new Glob(signs);
  }

  matches(name: string): boolean {
    const text = Array.from(name);
    let [at, sign] = [0, 0];
    let retry: { sign: number; at: number } | undefined;
    while (at < text.length) {
      const wanted = this.#signs[sign];
      if (typeof wanted === 'object' && wanted.kind === 'many') retry = { sign: ++sign, at };
      else if (wanted !== undefined && isMatch(wanted, text[at]!)) [at, sign] = [at + 1, sign + 1];
      else if (retry === undefined) return false;
      else {
        retry.at++;
        ({ sign, at } = retry);
      }
    }
    return this.#signs.slice(sign).every((left) => typeof left === 'object' && left.kind === 'many');
  }
}

function isMatch(wanted: Sign, found: string): boolean {
  if (typeof wanted === 'string') return wanted === found;
  return wanted.kind !== 'class' || wanted.has(found.codePointAt(0)!, found) !== wanted.isNegated;
}

/** The class that begins behind its bracket, and where its last bracket is. */
function readClass(text: readonly string[], start: number): { sign: Sign; end: number } | undefined {
  let at = start;
  const isNegated = text[at] === '!' || text[at] === '^';
  if (isNegated) at++;
  const ranges: [number, number][] = [];
  const named: RegExp[] = [];
  for (let isFirst = true; ; isFirst = false, at++) {
    let sign = text[at];
    if (sign === undefined) return undefined;
    if (sign === ']' && !isFirst) break;
    if (sign === '[' && text[at + 1] === ':') {
      const end = text.indexOf(']', at + 2);
      if (end < 0) return undefined;
      if (text[end - 1] === ':' && end - 1 > at + 1) {
        const known = namedClasses[text.slice(at + 2, end - 1).join('')];
        if (known === undefined) return undefined;
        named.push(known);
        at = end;
        continue;
      }
    }
    if (sign === '\\') sign = text[++at];
    if (sign === undefined) return undefined;
    const first = sign.codePointAt(0)!;
    if (text[at + 1] !== '-' || text[at + 2] === ']' || text[at + 2] === undefined) {
      ranges.push([first, first]);
      continue;
    }
    at += 2;
    const last = text[at] === '\\' ? text[++at] : text[at];
    if (last === undefined) return undefined;
    ranges.push([first, last.codePointAt(0)!]);
  }
  const has = (code: number, sign: string): boolean => ranges.some(([first, last]) => code >= first && code <= last) || named.some((one) => one.test(sign));
  return { sign: { kind: 'class', isNegated, has }, end: at };
}
