export const holdLabelBytesMax = 32;
export const holdReasonBytesMax = 200;

/** What forbids deleting a snapshot. */
export interface Hold {
  /** By which it is released; without a colon. */
  label: string;
  /** Why someone put it there. */
  reason?: string;
}

const separator = ': ';

/** A hold as it stands in a row: its label, and where it has a reason, a colon, a space and that. */
export function encodeHold({ label, reason }: Hold): string {
  return reason === undefined ? label : label + separator + reason;
}

export function decodeHold(text: string): Hold {
  const at = text.indexOf(separator);
  return at < 0 ? { label: text } : { label: text.slice(0, at), reason: text.slice(at + separator.length) };
}
