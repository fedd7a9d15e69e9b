import { DavRefusal } from './refusal.ts';
import { conditionsBytesMax, conditionsMax } from './limits.ts';

/** One condition: that a resource has a state token, or an entity tag; or that it has not. */
export interface IfCondition {
  readonly isNegated: boolean;
  readonly kind: 'token' | 'etag';
  readonly value: string;
}

/** Conditions that hold together. */
export interface IfList {
  /** The address that the list is about; undefined for that of the request. */
  readonly resource: string | undefined;
  readonly conditions: readonly IfCondition[];
}

/** What a resource is at the moment. */
export interface ConditionedState {
  /** undefined where nothing is. */
  readonly etag: string | undefined;
  readonly tokens: ReadonlySet<string>;
}

const partPattern = /[ \t]*(?:<([^<>]*)>|\[((?:W\/)?"[^"]*")\]|(\()|(\))|(not)(?=[ \t<[]))/iy;

function invalid(): DavRefusal {
  return new DavRefusal(400, 'The If header of the request cannot be read. Write it as lists of conditions in parentheses, as RFC 4918 says.');
}

/** Takes an `If` header apart (RFC 4918, section 10.4). */
export function parseIfHeader(header: string | undefined): readonly IfList[] {
  if (header === undefined) return [];
  if (header.length > conditionsBytesMax) throw invalid();
  const lists: IfList[] = [];
  let resource: string | undefined;
  let open: IfCondition[] | undefined;
  let isNegated = false;
  let count = 0;
  // Lists that a client sent in several headers are joined by commas.
  const text = header.trim().replace(/\)[ \t]*,/g, ') ');
  partPattern.lastIndex = 0;
  while (partPattern.lastIndex < text.length) {
    const found = partPattern.exec(text);
    if (found === null || ++count > conditionsMax) throw invalid();
    const [, reference, etag, begin, end, not] = found;
    if (begin !== undefined && open === undefined) open = [];
    else if (end !== undefined && open !== undefined && open.length > 0 && !isNegated) {
      lists.push({ resource, conditions: open });
      open = undefined;
    } else if (not !== undefined && open !== undefined && !isNegated) isNegated = true;
    else if (open !== undefined && (reference !== undefined || etag !== undefined)) {
      open.push({ isNegated, kind: reference === undefined ? 'etag' : 'token', value: reference ?? etag ?? '' });
      isNegated = false;
    } else if (reference !== undefined) resource = reference;
    else throw invalid();
  }
  if (open !== undefined || lists.length === 0) throw invalid();
  return lists;
}

/** Every lock token that the lists name: those that the client knows. */
export function submittedTokens(lists: readonly IfList[]): ReadonlySet<string> {
  return new Set(lists.flatMap(({ conditions }) => conditions.flatMap(({ kind, value }) => (kind === 'token' ? [value] : []))));
}

/** Whether one of the lists holds, or there is none. */
export async function holds(lists: readonly IfList[], stateOf: (resource: string | undefined) => Promise<ConditionedState>): Promise<boolean> {
  for (const { resource, conditions } of lists) {
    const { etag, tokens } = await stateOf(resource);
    if (conditions.every(({ kind, value, isNegated }) => (kind === 'token' ? tokens.has(value) : etag === value) !== isNegated)) return true;
  }
  return lists.length === 0;
}
