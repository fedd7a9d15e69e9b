/** Arguments of an Exec key are quoted by the rules of the Desktop Entry Specification 1.5. */
function quoted(word: string): string {
  const inQuotes = word.replace(/[\\"`$]/g, (sign) => `\\${sign}`);
  // The value is a string, in which a backslash is written twice, and `%` begins a field code.
  return `"${inQuotes}"`.replaceAll('\\', '\\\\').replaceAll('%', '%%');
}

/** The entry that starts the program at login, hidden. */
export function autostartEntry(command: readonly string[]): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Mirrorpoint',
    'Comment=Keeps mirrors of volumes consistent',
    `Exec=${command.map(quoted).join(' ')}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

/** Whether an entry that is there starts the program: a desktop may have switched it off in place. */
export function isEntryOn(text: string): boolean {
  return !/^(Hidden\s*=\s*true|X-GNOME-Autostart-enabled\s*=\s*false)\s*$/m.test(text);
}
