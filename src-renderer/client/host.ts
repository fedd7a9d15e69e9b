import { type DesktopBridge, downloadAddress, type RestoreSource } from '../../src-main/contract/index.ts';

declare global {
  interface Window {
    /** Left by the preload script of the desktop window. */
    mirrorpointDesktop?: DesktopBridge;
  }
}

/** What the console's host can do beside carrying questions to the engine. */
export interface Host {
  readonly kind: 'desktop' | 'browser';
  /** Native dialogs, paths of dragged files, drags to the file manager, start at login. */
  readonly desktop: DesktopBridge | undefined;
  /** Has the browser fetch files; left out where files are saved by "Restore to…" instead. */
  readonly download: ((source: RestoreSource) => void) | undefined;
}

function fetchByLink(source: RestoreSource): void {
  const link = document.createElement('a');
  link.href = downloadAddress(source);
  // The server names the file.
  link.download = '';
  link.click();
}

/** The host, told by what its preload script left on the window. */
export function hostOfWindow(window: { mirrorpointDesktop?: DesktopBridge }): Host {
  const desktop = window.mirrorpointDesktop;
  if (desktop !== undefined) return { kind: 'desktop', desktop, download: undefined };
  return { kind: 'browser', desktop: undefined, download: fetchByLink };
}
