import { isFault } from '../../base/index.ts';
import { attributeValueBytesMax, type FileReader, type LiveFiles } from '../../files/index.ts';
import { DavRefusal } from './refusal.ts';
import { elementsIn, type XmlElement, type XmlName } from './xml-element.ts';
import { readXml } from './xml-reader.ts';
import { writeXml } from './xml-writer.ts';

/**
 * The extended attribute that has what clients keep with a file: all of it in
 * one document, so that a change of several properties is one change.
 */
export const propertiesAttribute = 'user.webdav.properties';

const documentName = { namespace: 'urn:mirrorpoint:webdav', name: 'properties' };

export function isSameName(one: XmlName, other: XmlName): boolean {
  return one.namespace === other.namespace && one.name === other.name;
}

/** The properties that clients have put on a file. What others put in their place is none of them. */
export function deadPropertiesOf(files: FileReader, ino: number): readonly XmlElement[] {
  if (!files.hasExtendedAttributes(ino)) return [];
  try {
    const document = readXml(files.getExtendedAttribute(ino, propertiesAttribute));
    return isSameName(document, documentName) ? elementsIn(document) : [];
  } catch (thrown) {
    if (isFault(thrown, 'attribute-not-found') || isFault(thrown, 'message-invalid')) return [];
    throw thrown;
  }
}

export interface PropertyChange {
  readonly property: XmlElement;
  readonly do: 'set' | 'remove';
}

/** Carries out all of the changes, in their order. Throws 507 when there is no room for the properties. */
export function changeDeadProperties(files: LiveFiles, ino: number, changes: readonly PropertyChange[]): void {
  const properties = [...deadPropertiesOf(files, ino)];
  const hadSome = properties.length > 0;
  for (const change of changes) {
    const at = properties.findIndex((known) => isSameName(known, change.property));
    if (change.do === 'set') properties.splice(at < 0 ? properties.length : at, at < 0 ? 0 : 1, change.property);
    else if (at >= 0) properties.splice(at, 1);
  }
  if (properties.length > 0) {
    const value = Buffer.from(writeXml({ ...documentName, attributes: [], children: properties }), 'utf8');
    if (value.length > attributeValueBytesMax) {
      throw new DavRefusal(507, `The properties of one file take ${attributeValueBytesMax} bytes at most, and these would take ${value.length}. Remove some.`, { code: 'attribute-too-large' });
    }
    files.setExtendedAttribute(ino, propertiesAttribute, value);
  } else if (hadSome) files.removeExtendedAttribute(ino, propertiesAttribute);
}
