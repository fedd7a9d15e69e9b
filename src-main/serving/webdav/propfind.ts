import type { Attributes } from '../../files/index.ts';
import type { Capacity } from '../served-files.ts';
import { hrefOf } from './address.ts';
import { deadPropertiesOf, isSameName } from './dead-properties.ts';
import type { DavReply } from './exchange.ts';
import { namedPropertiesMax, pageEntries } from './limits.ts';
import { type Described, liveProperty, toldLiveNames } from './live-properties.ts';
import { DavRefusal } from './refusal.ts';
import { existingResource, findResource, notHere } from './resources.ts';
import { isHidden, type Scene } from './scene.ts';
import { stagingName } from './staging.ts';
import { davChild, davNamespace, elementsIn, isDav, type XmlElement, type XmlName } from './xml-element.ts';
import { xmlOf } from './xml-body.ts';
import { davDocumentEnd, davDocumentStart, emptyXml, escapeText, writeXml } from './xml-writer.ts';

/** What is asked about a resource. */
export type Question =
  | { readonly kind: 'all'; readonly also: readonly XmlName[] }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly names: readonly XmlName[] };

export function questionOf(document: XmlElement | undefined): Question {
  if (document === undefined) return { kind: 'all', also: [] };
  if (!isDav(document, 'propfind')) throw unclear();
  const some = davChild(document, 'prop');
  const [isAll, isNames] = ['allprop', 'propname'].map((name) => davChild(document, name) !== undefined);
  if ([some !== undefined, isAll, isNames].filter(Boolean).length !== 1) throw unclear();
  if (isNames) return { kind: 'names' };
  const include = davChild(document, 'include');
  const names = elementsIn(some ?? include ?? { ...document, children: [] });
  if (names.length > namedPropertiesMax) throw new DavRefusal(400, `A PROPFIND names ${namedPropertiesMax} properties at most, and this names ${names.length}.`);
  return isAll ? { kind: 'all', also: names } : { kind: 'some', names };
}

function unclear(): DavRefusal {
  return new DavRefusal(400, 'The PROPFIND does not say which properties it asks for. Name them in prop, or write allprop or propname.', { code: 'message-invalid' });
}

/** 0: the resource; 1: with what is in it. Without an end a listing would cost what the whole volume does, and is refused. */
export function depthOf(header: string | undefined): 0 | 1 {
  if (header === '0') return 0;
  if (header === '1') return 1;
  if (header !== undefined && header.toLowerCase() !== 'infinity') throw new DavRefusal(400, 'The Depth of a PROPFIND is 0 or 1.');
  throw new DavRefusal(403, 'Folders are listed one at a time here. Send Depth 0 or 1.', { condition: '<D:propfind-finite-depth/>' });
}

/** PROPFIND: the properties of a resource, and of those in it, page by page. */
export async function answerPropfind(scene: Scene): Promise<DavReply> {
  const { request, spot, files } = scene;
  const depth = depthOf(request.headers.depth);
  const question = questionOf(await xmlOf(request.body));
  if (isHidden(spot)) notHere(spot.names);
  const found = await files.query((reader) => existingResource(reader, spot.inner));
  if (spot.isFolder && found.kind !== 'directory') notHere(spot.names);
  return { status: 207, headers: { 'content-type': 'application/xml; charset=utf-8' }, body: encoded(multistatus(scene, question, found, depth)) };
}

/** One response for a resource of a share. */
export interface Subject {
  readonly names: readonly string[];
  readonly attributes: Attributes;
  readonly dead: readonly XmlElement[];
}

export async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, void> {
  for await (const text of texts) yield Buffer.from(text, 'utf8');
}

async function* multistatus(scene: Scene, question: Question, found: Attributes, depth: 0 | 1): AsyncGenerator<string, void, void> {
  const { share, spot, files } = scene;
  const isLive = spot.state === 'current' && !files.isReadOnly;
  const capacity = (): Capacity => files.capacity();
  const response = (subject: Subject): string =>
    responseOf(question, { share: share.name, names: subject.names, attributes: subject.attributes, capacity, locks: isLive ? share.locks : undefined }, subject.dead);
  const own = await files.query((reader) => ({ names: spot.names, attributes: found, dead: wantsDead(question) ? deadPropertiesOf(reader, found.ino) : [] }));
  yield `${davDocumentStart('multistatus')}\n${response(own)}`;
  if (depth === 1 && found.kind === 'directory') {
    for await (const page of subjectsIn(scene, found.ino, question)) yield page.map(response).join('');
  }
  yield davDocumentEnd('multistatus');
}

/** What is in a folder, page by page; a link is listed as what it leads to, and not at all when that is nothing. */
async function* subjectsIn({ spot, files }: Scene, ino: number, question: Question): AsyncGenerator<Subject[], void, void> {
  let after: string | undefined;
  for (;;) {
    const from = after;
    const { subjects, last } = await files.query((reader) => {
      const page = reader.readDirectoryAhead(ino, from, pageEntries);
      const listed = page.flatMap(({ name, kind, ino: entry }): Subject[] => {
        if (spot.inner.length === 0 && name === stagingName) return [];
        const attributes = kind === 'symlink' ? findResource(reader, [...spot.inner, name]) : reader.stat(entry);
        return attributes === undefined ? [] : [{ names: [...spot.names, name], attributes, dead: [] }];
      });
      return { subjects: listed, last: page.length < pageEntries ? undefined : page.at(-1)?.name };
    });
    if (subjects.length > 0) yield wantsDead(question) ? await withDead(files, subjects) : subjects;
    if (last === undefined) return;
    after = last;
  }
}

/** The properties of each for itself: those of a page together may be more than is in memory at once. */
async function withDead(files: Scene['files'], subjects: readonly Subject[]): Promise<Subject[]> {
  const whole: Subject[] = [];
  for (const subject of subjects) whole.push({ ...subject, dead: await files.query((reader) => deadPropertiesOf(reader, subject.attributes.ino)) });
  return whole;
}


function wantsDead(question: Question): boolean {
  return question.kind !== 'some' || question.names.some(({ namespace, name }) => namespace !== davNamespace || name === 'displayname');
}

export function responseOf(question: Question, of: Described, dead: readonly XmlElement[]): string {
  const { found, missing } = propertiesFor(question, of, dead);
  const propstats = [propstat('200 OK', found), propstat('404 Not Found', missing)].join('');
  const href = hrefOf(of.share, of.names, of.attributes.kind === 'directory');
  return `<D:response><D:href>${escapeText(href)}</D:href>${propstats === '' ? '<D:status>HTTP/1.1 200 OK</D:status>' : propstats}</D:response>\n`;
}

function propertiesFor(question: Question, of: Described, dead: readonly XmlElement[]): { found: string[]; missing: string[] } {
  if (question.kind === 'names') {
    const live = toldLiveNames.filter((name) => liveProperty(name, of) !== undefined).map((name) => `<D:${name}/>`);
    return { found: [...live, ...dead.map(emptyXml)], missing: [] };
  }
  const valueOf = (asked: XmlName): string | undefined => {
    const live = asked.namespace === davNamespace ? liveProperty(asked.name, of) : undefined;
    if (live !== undefined) return live;
    const kept = dead.find((known) => isSameName(known, asked));
    return kept && writeXml(kept);
  };
  const asked = question.kind === 'some' ? question.names : question.also;
  const answers = asked.map((name) => ({ name, value: valueOf(name) }));
  const found = answers.flatMap(({ value }) => value ?? []);
  const missing = answers.flatMap(({ name, value }) => (value === undefined ? emptyXml(name) : []));
  if (question.kind === 'some') return { found, missing };
  const told = toldLiveNames.flatMap((name) => liveProperty(name, of) ?? []);
  return { found: [...new Set([...told, ...dead.map(writeXml), ...found])], missing };
}

export function propstat(status: string, properties: readonly string[]): string {
  return properties.length === 0 ? '' : `<D:propstat><D:prop>${properties.join('')}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
}
