import { type XmlElement, type XmlName, xmlNamespace } from './xml-element.ts';

const inText: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
const inAttribute: Readonly<Record<string, string>> = { ...inText, '"': '&quot;', '\t': '&#9;', '\n': '&#10;' };

export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (sign) => inText[sign] ?? sign);
}

function escapeAttribute(text: string): string {
  return text.replace(/[&<>"\r\t\n]/g, (sign) => inAttribute[sign] ?? sign);
}

/** An element that stands for itself wherever it is put: it declares every namespace in it. */
export function writeXml({ namespace, name, attributes, children }: XmlElement): string {
  const written = attributes.map((attribute, index) => {
    const value = escapeAttribute(attribute.value);
    if (attribute.namespace === '') return ` ${attribute.name}="${value}"`;
    if (attribute.namespace === xmlNamespace) return ` xml:${attribute.name}="${value}"`;
    return ` xmlns:a${index}="${escapeAttribute(attribute.namespace)}" a${index}:${attribute.name}="${value}"`;
  });
  const open = `${name} xmlns="${escapeAttribute(namespace)}"${written.join('')}`;
  if (children.length === 0) return `<${open}/>`;
  return `<${open}>${children.map((child) => (typeof child === 'string' ? escapeText(child) : writeXml(child))).join('')}</${name}>`;
}

/** An element without content. */
export function emptyXml({ namespace, name }: XmlName): string {
  return writeXml({ namespace, name, attributes: [], children: [] });
}

/** A document of the DAV namespace, whose prefix `D` the parts may use. */
export function davDocument(name: string, inside: string): string {
  return `${davDocumentStart(name)}${inside}${davDocumentEnd(name)}`;
}

export function davDocumentStart(name: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:${name} xmlns:D="DAV:">`;
}

export function davDocumentEnd(name: string): string {
  return `</D:${name}>\n`;
}
