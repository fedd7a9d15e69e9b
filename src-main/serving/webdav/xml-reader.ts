import { MirrorpointError } from '../../base/index.ts';
import { xmlAttributesMax, xmlDepthMax, xmlElementsMax, xmlNameCharactersMax } from './limits.ts';
import { type XmlAttribute, type XmlElement, xmlNamespace } from './xml-element.ts';

const nameStart = 'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}';
const ncName = `[${nameStart}][${nameStart}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}]*`;
const namePattern = new RegExp(`(?:(${ncName}):)?(${ncName})`, 'uy');
const spacePattern = /[ \t\r\n]+/y;
const referencePattern = /&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|([a-z]{2,4}));/g;
const declarationPattern = /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.[0-9]"|'1\.[0-9]')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/y;
const forbiddenSigns = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** What the five entities of XML itself stand for; there are no others. */
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' };

function invalid(why: string): MirrorpointError {
  return new MirrorpointError('message-invalid', `The XML of the request cannot be read: ${why}. Send well-formed XML 1.0 with namespaces, in UTF-8 and without a document type.`);
}

type Scope = ReadonlyMap<string, string>;

interface Opened {
  readonly element: { namespace: string; name: string; attributes: readonly XmlAttribute[]; children: (XmlElement | string)[] };
  readonly written: string;
  readonly scope: Scope;
}

interface WrittenName {
  readonly prefix: string;
  readonly name: string;
  readonly written: string;
}

/**
 * Reads the XML of a request whole: elements, attributes, text, CDATA and
 * character references, with namespaces. A document type is refused, and with
 * it every entity that could grow. Throws `message-invalid`.
 */
export function readXml(bytes: Uint8Array): XmlElement {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MirrorpointError('message-invalid', 'The XML of the request is not UTF-8. Send it in UTF-8.', { cause });
  }
  if (forbiddenSigns.test(text)) throw invalid('it has characters that XML does not allow');
  return new XmlReader(text.replace(/\r\n?/g, '\n')).read();
}

class XmlReader {
  readonly #text: string;
  readonly #opened: Opened[] = [];
  #at = 0;
  #elementCount = 0;
  #root: XmlElement | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    this.#declaration();
    while (this.#at < this.#text.length) {
      if (this.#text.startsWith('<', this.#at)) this.#markup();
      else this.#characters();
    }
    if (this.#root === undefined || this.#opened.length > 0) throw invalid('it ends before its last element does');
    return this.#root;
  }

  #declaration(): void {
    declarationPattern.lastIndex = 0;
    const found = declarationPattern.exec(this.#text);
    if (found === null) return;
    const encoding = found[1] ?? found[2] ?? 'utf-8';
    if (!/^(utf-?8|us-ascii)$/i.test(encoding)) throw invalid(`its encoding is ${JSON.stringify(encoding.slice(0, 40))}`);
    this.#at = found[0].length;
  }

  #markup(): void {
    const at = this.#at;
    if (this.#text.startsWith('<!--', at)) {
      const inside = this.#until('<!--', '-->', 'a comment');
      if (inside.includes('--') || inside.endsWith('-')) throw invalid('a comment has two hyphens in it');
    } else if (this.#text.startsWith('<![CDATA[', at)) this.#addText(this.#until('<![CDATA[', ']]>', 'a CDATA section'));
    else if (this.#text.startsWith('<?', at)) this.#instruction();
    else if (this.#text.startsWith('<!', at)) throw invalid('it has a document type');
    else if (this.#text.startsWith('</', at)) this.#endTag();
    else this.#startTag();
  }

  #until(begin: string, end: string, what: string): string {
    const from = this.#at + begin.length;
    const to = this.#text.indexOf(end, from);
    if (to < 0) throw invalid(`${what} does not end`);
    this.#at = to + end.length;
    return this.#text.slice(from, to);
  }

  #instruction(): void {
    if (/^xml(?:\s|\?|$)/i.test(this.#until('<?', '?>', 'an instruction'))) throw invalid('it has a declaration in the middle');
  }

  #characters(): void {
    const next = this.#text.indexOf('<', this.#at);
    const end = next < 0 ? this.#text.length : next;
    const raw = this.#text.slice(this.#at, end);
    if (raw.includes(']]>')) throw invalid('its text has ]]> in it');
    this.#at = end;
    if (this.#opened.length > 0) this.#addText(resolved(raw));
    else if (raw.trim() !== '') throw invalid('there is text outside of its element');
  }

  #addText(text: string): void {
    const children = this.#opened.at(-1)?.element.children;
    if (children === undefined) throw invalid('there is text outside of its element');
    const last = children.at(-1);
    if (typeof last === 'string') children[children.length - 1] = last + text;
    else if (text !== '') children.push(text);
  }

  #name(): WrittenName {
    namePattern.lastIndex = this.#at;
    const found = namePattern.exec(this.#text);
    if (found === null) throw invalid('a name is missing, or is none');
    const [written, prefix = '', name = ''] = found;
    if (written.length > xmlNameCharactersMax) throw invalid(`a name has more than ${xmlNameCharactersMax} characters`);
    this.#at = namePattern.lastIndex;
    return { prefix, name, written };
  }

  #space(): boolean {
    spacePattern.lastIndex = this.#at;
    if (!spacePattern.test(this.#text)) return false;
    this.#at = spacePattern.lastIndex;
    return true;
  }

  #take(sign: string): boolean {
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  #startTag(): void {
    if (this.#opened.length === 0 && this.#root !== undefined) throw invalid('it has more than one element outside of all others');
    if (this.#opened.length >= xmlDepthMax) throw invalid(`more than ${xmlDepthMax} elements lie in each other`);
    if (++this.#elementCount > xmlElementsMax) throw invalid(`it has more than ${xmlElementsMax} elements`);
    this.#at++;
    const { prefix, name, written } = this.#name();
    const given = this.#attributes();
    const isEmpty = this.#take('/>');
    if (!isEmpty && !this.#take('>')) throw invalid(`the tag of ${written} does not end`);
    const outer = this.#opened.at(-1)?.scope ?? new Map([['xml', xmlNamespace]]);
    const scope = scopeWithin(outer, given);
    const attributes = attributesIn(scope, given);
    const element = { namespace: namespaceOf(scope, prefix, 'element'), name, attributes, children: [] };
    this.#opened.at(-1)?.element.children.push(element);
    if (this.#opened.length === 0) this.#root = element;
    if (!isEmpty) this.#opened.push({ element, written, scope });
  }

  #attributes(): (WrittenName & { value: string })[] {
    const found = new Map<string, WrittenName & { value: string }>();
    while (this.#space()) {
      if (/[/>]/.test(this.#text[this.#at] ?? '>')) break;
      const name = this.#name();
      this.#space();
      if (!this.#take('=')) throw invalid(`the attribute ${name.written} has no value`);
      this.#space();
      if (found.has(name.written)) throw invalid(`the attribute ${name.written} is there twice`);
      if (found.size >= xmlAttributesMax) throw invalid(`an element has more than ${xmlAttributesMax} attributes`);
      found.set(name.written, { ...name, value: this.#attributeValue() });
    }
    return [...found.values()];
  }

  #attributeValue(): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") throw invalid("an attribute's value is not quoted");
    const raw = this.#until(quote, quote, "an attribute's value");
    if (raw.includes('<')) throw invalid("an attribute's value has < in it");
    return resolved(raw.replace(/[\t\n]/g, ' '));
  }

  #endTag(): void {
    this.#at += 2;
    const { written } = this.#name();
    this.#space();
    if (!this.#take('>') || this.#opened.pop()?.written !== written) throw invalid(`the end of ${written} fits no beginning`);
  }
}

/** The text with its references resolved. */
function resolved(raw: string): string {
  let signs = 0;
  const text = raw.replace(referencePattern, (_written, decimal: string | undefined, hex: string | undefined, entity: string | undefined) => {
    signs++;
    if (entity !== undefined) return entities[entity] ?? unknownEntity();
    return signOf(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(decimal, 10));
  });
  if ((raw.match(/&/g)?.length ?? 0) !== signs) unknownEntity();
  return text;
}

function unknownEntity(): never {
  throw invalid('it has an entity that is not one of the five of XML itself');
}

function signOf(code: number): string {
  const isAllowed = code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x1_0000 && code <= 0x10_ffff);
  if (!isAllowed) throw invalid(`there is no character of number ${code}`);
  return String.fromCodePoint(code);
}

/** The namespaces in force inside an element. */
function scopeWithin(outer: Scope, attributes: readonly (WrittenName & { value: string })[]): Scope {
  const declared = attributes.flatMap(({ prefix, name, value }): [string, string][] => {
    if (prefix === '' && name === 'xmlns') return [['', value]];
    if (prefix !== 'xmlns') return [];
    if (value === '') throw invalid(`the prefix ${name} is declared to be of no namespace`);
    if (name === 'xmlns' || (name === 'xml') !== (value === xmlNamespace)) throw invalid(`the prefix ${name} cannot be declared so`);
    return [[name, value]];
  });
  return declared.length === 0 ? outer : new Map([...outer, ...declared]);
}

function attributesIn(scope: Scope, given: readonly (WrittenName & { value: string })[]): XmlAttribute[] {
  const attributes = given
    .filter(({ prefix, name }) => prefix !== 'xmlns' && !(prefix === '' && name === 'xmlns'))
    .map(({ prefix, name, value }) => ({ namespace: namespaceOf(scope, prefix, 'attribute'), name, value }));
  const known = new Set(attributes.map(({ namespace, name }) => `${namespace} ${name}`));
  if (known.size < attributes.length) throw invalid('an element has the same attribute twice, under two prefixes');
  return attributes;
}

function namespaceOf(scope: Scope, prefix: string, of: 'element' | 'attribute'): string {
  if (prefix === '') return of === 'element' ? (scope.get('') ?? '') : '';
  const namespace = scope.get(prefix);
  if (namespace === undefined) throw invalid(`the prefix ${prefix} stands for no namespace`);
  return namespace;
}
