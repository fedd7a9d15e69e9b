/** Why CPs are taken, in the words of the window. */
const causeWords: Readonly<Record<string, string>> = {
  create: 'the volume was made',
  recovery: 'it was opened after a crash',
  timer: 'its interval',
  journal: 'the journal was full',
  dirty: 'many changes waited',
  snapshot: 'a snapshot',
  request: 'on request',
  sync: 'a program wanted it durable',
  mirror: 'came from the primary',
  promote: 'it became the primary',
  'switch-over': 'a switch-over',
  grow: 'it grew',
  close: 'it was closed',
};

/** A cause that is not known here is called what the server calls it. */
export function causeWord(cause: string): string {
  return causeWords[cause] ?? cause;
}
