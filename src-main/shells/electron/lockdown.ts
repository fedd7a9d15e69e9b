import type { App, Session, Shell, WebContents } from 'electron';
import { consolePathOf, isConsoleAddress } from './console-address.ts';

/**
 * Pages outside that a link may open in the browser, as the beginnings of their
 * addresses. The program's documents come with it, so there are none.
 */
const outsideAddresses: readonly string[] = [];

/** What the page may do beside showing itself: put the text of an invitation on the clipboard, never read it. */
const grantedPermissions: ReadonlySet<string> = new Set(['clipboard-sanitized-write']);

/** Whether a link may be handed to the browser: an https address that is on the list of our own documents. */
export function mayOpenOutside(url: string, allowed: readonly string[] = outsideAddresses): boolean {
  const address = URL.parse(url);
  if (address?.protocol !== 'https:' || address.username !== '' || address.password !== '') return false;
  return allowed.some((one) => address.href === one || address.href.startsWith(one.endsWith('/') ? one : `${one}/`));
}

/** What a page is refused goes here, to be noted. */
export type NoteRefusal = (text: string) => void;

/** Holds for every page that there ever is here, not only for the first window's. */
export function lockPages(app: Pick<App, 'on'>, shell: Pick<Shell, 'openExternal'>, note: NoteRefusal): void {
  app.on('web-contents-created', (_event, contents) => {
    lockPage(contents, shell, note);
  });
}

function lockPage(contents: WebContents, shell: Pick<Shell, 'openExternal'>, note: NoteRefusal): void {
  contents.setWindowOpenHandler(({ url }) => {
    if (mayOpenOutside(url)) void shell.openExternal(url);
    else note(`a new window for ${shown(url)}`);
    return { action: 'deny' };
  });
  const stay = (event: { preventDefault: () => void; url: string }): void => {
    event.preventDefault();
    note(`a way to ${shown(event.url)}`);
  };
  // The page may load itself again; its screens are behind the hash, which is no navigation.
  contents.on('will-navigate', (event) => {
    if (consolePathOf(event.url) !== '/') stay(event);
  });
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame) stay(event);
  });
  contents.on('will-redirect', stay);
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
    note('a page inside the page');
  });
}

/** An address for a sentence. */
function shown(url: string): string {
  return url.length > 200 ? `${url.slice(0, 200)}…` : url;
}

/** What no page of a session gets: permissions, devices, downloads, and anything that is not the console's own. */
export function lockSession(session: Session, note: NoteRefusal): void {
  session.setPermissionRequestHandler((contents, permission, decide) => {
    const isGranted = grantedPermissions.has(permission) && isConsoleAddress(contents.getURL());
    if (!isGranted) note(`the permission ${permission}`);
    decide(isGranted);
  });
  session.setPermissionCheckHandler((contents, permission) => grantedPermissions.has(permission) && contents !== null && isConsoleAddress(contents.getURL()));
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event, item) => {
    event.preventDefault();
    note(`a download of ${shown(item.getURL())}`);
  });
  session.webRequest.onBeforeRequest(({ url }, answer) => {
    const isOwn = isConsoleAddress(url) || url.startsWith('blob:app:') || url.startsWith('devtools:');
    if (!isOwn) note(`a request to ${shown(url)}`);
    answer({ cancel: !isOwn });
  });
}
