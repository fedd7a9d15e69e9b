import { join } from 'node:path';
import type { App } from 'electron';

/** Where the files that come with the program are. */
export interface ProgramFiles {
  readonly consoleFolder: string;
  readonly preloadFile: string;
  /** Of the programs that run beside the server. */
  readonly programsFolder: string;
  readonly iconFolder: string;
  readonly windowIconFile: string;
  readonly dragIconFile: string;
  /** Outside the archive, since another program shows it. */
  readonly documentationFile: string;
}

/** The same from the project's folder and from a package, whose archive has the folder's layout. */
export function programFiles(app: Pick<App, 'getAppPath' | 'isPackaged'>): ProgramFiles {
  const folder = app.getAppPath();
  const iconFolder = join(folder, 'resources', 'icons');
  return {
    consoleFolder: join(folder, 'out', 'renderer'),
    preloadFile: join(folder, 'out', 'preload', 'preload.cjs'),
    programsFolder: join(folder, 'out', 'main'),
    iconFolder,
    windowIconFile: join(iconFolder, 'sizes', '256x256.png'),
    dragIconFile: join(iconFolder, 'drag.png'),
    documentationFile: join(app.isPackaged ? process.resourcesPath : folder, 'README.md'),
  };
}
