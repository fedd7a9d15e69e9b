/** A name as it is compared: composed, and in small letters. */
function folded(text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC');
}

/** Whether names have a text in them, whatever its case and however its letters are composed. */
export function matcherOf(text: string): (name: string) => boolean {
  const wanted = folded(text);
  return (name) => folded(name).includes(wanted);
}
