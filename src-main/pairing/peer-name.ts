import { peerNameLengthMax } from './limits.ts';

/**
 * What a server calls itself, made fit to be shown: a name is text for people
 * and nothing else. It never becomes a path, a key or a command; what would
 * steer a terminal or turn the reading direction is taken out.
 */
export function plainName(text: string): string {
  const plain = text
    .toWellFormed()
    .replace(/\p{C}/gu, '?')
    .trim();
  return cut(plain) || 'a server without a name';
}

/** Whether a name can be given to a peer as it stands. */
export function isPlainName(text: string): boolean {
  return text !== '' && plainName(text) === text;
}

/** At most so long, and never half of a pair of surrogates at the end. */
function cut(text: string): string {
  return text.slice(0, peerNameLengthMax).replace(/[\ud800-\udbff]$/, '');
}
