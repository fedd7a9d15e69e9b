/** A piece of a sentence that the server made. */
export type TextPart =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'time'; readonly wallMs: number };

/** A moment in UTC to the second, or a command between back quotes. */
const special = /(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)|`([^`]+)`/g;

/** Takes a sentence apart into plain text, moments and commands. */
export function partsOfText(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(special)) {
    const [whole, time, code = ''] = match;
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) });
    parts.push(time === undefined ? { kind: 'code', text: code } : { kind: 'time', wallMs: Date.parse(time) });
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) });
  return parts;
}
