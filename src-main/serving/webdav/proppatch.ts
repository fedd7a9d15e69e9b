import { type AttributeChanges, changeBlocks } from '../../files/index.ts';
import { hrefOf } from './address.ts';
import { changeDeadProperties, type PropertyChange } from './dead-properties.ts';
import { type DavReply, xmlReply } from './exchange.ts';
import { parseHttpDate } from './http-dates.ts';
import { namedPropertiesMax } from './limits.ts';
import { isLiveName } from './live-properties.ts';
import { propstat } from './propfind.ts';
import { DavRefusal, statusOf } from './refusal.ts';
import { existingResource, notHere } from './resources.ts';
import { checkLocks, isHidden, judgeChange, refuseChanged, refuseReadOnly, type Scene } from './scene.ts';
import { davChild, davNamespace, elementsIn, isDav, textIn, type XmlAttribute, type XmlElement, xmlNamespace } from './xml-element.ts';
import { xmlOf } from './xml-body.ts';
import { davDocument, emptyXml, escapeText } from './xml-writer.ts';

/** The namespace in which Windows tells the times of a file. */
const windowsNamespace = 'urn:schemas-microsoft-com:';

/** The language of a property is often said of an element around it, and belongs to its value. */
function languageOf({ attributes }: XmlElement): XmlAttribute | undefined {
  return attributes.find(({ namespace, name }) => namespace === xmlNamespace && name === 'lang');
}

function changesIn(document: XmlElement | undefined): PropertyChange[] {
  if (document === undefined || !isDav(document, 'propertyupdate')) {
    throw new DavRefusal(400, 'The PROPPATCH does not say what is to change. Write set and remove in propertyupdate.', { code: 'message-invalid' });
  }
  const changes = elementsIn(document).flatMap((step): PropertyChange[] => {
    const what = isDav(step, 'set') ? 'set' : isDav(step, 'remove') ? 'remove' : undefined;
    const properties = davChild(step, 'prop');
    if (what === undefined || properties === undefined) return [];
    const language = languageOf(properties) ?? languageOf(step);
    return elementsIn(properties).map((property) => {
      const isSaid = language === undefined || languageOf(property) !== undefined;
      return { do: what, property: isSaid ? property : { ...property, attributes: [...property.attributes, language] } };
    });
  });
  if (changes.length === 0) throw new DavRefusal(400, 'The PROPPATCH names no property. Name what is to change.', { code: 'message-invalid' });
  if (changes.length > namedPropertiesMax) throw new DavRefusal(400, `A PROPPATCH changes ${namedPropertiesMax} properties at most, and this ${changes.length}.`);
  return changes;
}

/** The time that Windows gives a file after it has copied it. */
function timesIn(changes: readonly PropertyChange[]): AttributeChanges | undefined {
  const time = changes.findLast(({ do: what, property: { namespace, name } }) => what === 'set' && namespace === windowsNamespace && name === 'Win32LastModifiedTime');
  const seconds = time && parseHttpDate(textIn(time.property));
  return seconds === undefined || seconds < 0 ? undefined : { modifiedNs: BigInt(seconds) * 1_000_000_000n };
}

/** PROPPATCH: all of the changes, or none. */
export async function answerProppatch(scene: Scene): Promise<DavReply> {
  const { request, share, spot, files } = scene;
  await refuseReadOnly(scene);
  const changes = changesIn(await xmlOf(request.body));
  if (isHidden(spot)) notHere(spot.names);
  const submitted = await judgeChange(scene);
  const found = await files.query((reader) => existingResource(reader, spot.inner));
  checkLocks(scene, spot, submitted);
  const reply = (parts: string): DavReply => {
    const href = escapeText(hrefOf(share.name, spot.names, found.kind === 'directory'));
    return xmlReply(207, davDocument('multistatus', `<D:response><D:href>${href}</D:href>${parts}</D:response>`));
  };
  const isKept = ({ property: { namespace, name } }: PropertyChange): boolean => namespace === davNamespace && isLiveName(name);
  const named = (which: readonly PropertyChange[]): string[] => which.map(({ property }) => emptyXml(property));
  const refused = changes.filter(isKept);
  if (refused.length > 0) {
    const others = changes.filter((change) => !isKept(change));
    return reply(propstat('403 Forbidden', named(refused)) + propstat('424 Failed Dependency', named(others)));
  }
  const times = timesIn(changes);
  try {
    await files.change(changeBlocks.extendedAttribute(files.capacity().blockSizeBytes), (live) => {
      refuseChanged(scene, live, found);
      changeDeadProperties(live, found.ino, changes);
      if (times !== undefined) live.setAttributes(found.ino, times);
    });
  } catch (fault) {
    if (fault instanceof DavRefusal && statusOf(fault) === 507) return reply(propstat('507 Insufficient Storage', named(changes)));
    throw fault;
  }
  return reply(propstat('200 OK', named(changes)));
}
