const nameBytesMax = 255;

/** What a name of a file or folder has against it; undefined when nothing. */
export function faultInName(name: string): string | undefined {
  if (name === '.' || name === '..') return 'these two names mean the folder itself and the one above';
  if (name.includes('/') || name.includes('\0')) return "a name has no '/' and no NUL in it";
  if (!name.isWellFormed()) return 'a name is well-formed Unicode';
  return new TextEncoder().encode(name).length > nameBytesMax ? `a name has at most ${nameBytesMax} bytes` : undefined;
}
