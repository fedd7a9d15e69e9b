/** A name in XML; an empty namespace is none. */
export interface XmlName {
  readonly namespace: string;
  readonly name: string;
}

export interface XmlAttribute extends XmlName {
  readonly value: string;
}

/** An element with its names resolved: prefixes mean nothing any more. */
export interface XmlElement extends XmlName {
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly (XmlElement | string)[];
}

export const davNamespace = 'DAV:';
export const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';

export function isDav(element: XmlName, name: string): boolean {
  return element.namespace === davNamespace && element.name === name;
}

export function elementsIn(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string');
}

export function davChild(element: XmlElement, name: string): XmlElement | undefined {
  return elementsIn(element).find((child) => isDav(child, name));
}

/** The text directly in an element. */
export function textIn(element: XmlElement): string {
  return element.children.filter((child) => typeof child === 'string').join('');
}
