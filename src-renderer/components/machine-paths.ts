/** The path of an entry of a folder, in the way of the machine that the folder is on. */
export function pathIn(folder: string, name: string): string {
  const separator = folder.includes('\\') ? '\\' : '/';
  return folder.endsWith(separator) ? `${folder}${name}` : `${folder}${separator}${name}`;
}

/** The folder and the name of a path; undefined when it is no absolute path of a file. */
export function splitMachinePath(path: string): { folder: string; name: string } | undefined {
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  const name = path.slice(at + 1);
  if (!isAbsolutePath(path) || name === '') return undefined;
  const folder = path.slice(0, at);
  return { folder: folder === '' || folder.endsWith(':') ? path.slice(0, at + 1) : folder, name };
}

/** `/srv`, `C:\data`, `\\server\share`. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith('/') || path.startsWith('\\\\') || /^[A-Za-z]:[\\/]/.test(path);
}
