import { splitPath } from '../../contract/index.ts';

/** Names that Windows keeps for devices, with or without an ending. */
const deviceNames = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** What a system does not allow in a name, beside the slash, which no name has. */
const refusedSigns: Partial<Record<NodeJS.Platform, RegExp>> = {
  win32: /[<>:"|?*\\\u0000-\u001f]/g,
  darwin: /:/g,
};

/** The name of an item as a file of the system can have it; that of the volume for the volume's root. */
export function stagedName(item: { path: string; volume: string }, platform: NodeJS.Platform): string {
  const own = splitPath(item.path)?.name ?? item.volume;
  const name = own.replace(refusedSigns[platform] ?? /\0/g, '_');
  if (platform !== 'win32') return name;
  const kept = name.replace(/[. ]+$/, (end) => '_'.repeat(end.length));
  return deviceNames.test(kept) ? `_${kept}` : kept;
}
