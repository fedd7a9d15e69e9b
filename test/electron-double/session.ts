import { EventEmitter } from 'node:events';

type SchemeHandler = (request: Request) => Response | Promise<Response>;
type PermissionRequestHandler = (contents: unknown, permission: string, decide: (isGranted: boolean) => void, details: unknown) => void;
type PermissionCheckHandler = (contents: unknown, permission: string, origin: string, details: unknown) => boolean;
type BeforeRequest = (details: { url: string; resourceType: string }, answer: (decision: { cancel?: boolean }) => void) => void;

/** The one session: who answers its addresses, and what its pages may do. */
class Session extends EventEmitter {
  readonly schemeHandlers = new Map<string, SchemeHandler>();
  #request: PermissionRequestHandler | null = null;
  #check: PermissionCheckHandler | null = null;
  #device: ((details: unknown) => boolean) | null = null;
  #beforeRequest: BeforeRequest | null = null;

  readonly protocol = {
    handle: (scheme: string, handler: SchemeHandler): void => {
      this.schemeHandlers.set(scheme, handler);
    },
  };

  readonly webRequest = {
    onBeforeRequest: (listener: BeforeRequest): void => {
      this.#beforeRequest = listener;
    },
  };

  setPermissionRequestHandler(handler: PermissionRequestHandler | null): void {
    this.#request = handler;
  }

  setPermissionCheckHandler(handler: PermissionCheckHandler | null): void {
    this.#check = handler;
  }

  setDevicePermissionHandler(handler: ((details: unknown) => boolean) | null): void {
    this.#device = handler;
  }

  /** As Electron decides: without a handler everything is granted. */
  async isGranted(contents: unknown, permission: string): Promise<{ check: boolean; request: boolean }> {
    const request = await new Promise<boolean>((resolve) => {
      if (this.#request === null) resolve(true);
      else this.#request(contents, permission, resolve, {});
    });
    return { check: this.#check === null || this.#check(contents, permission, '', {}), request };
  }

  isDeviceGranted(): boolean {
    return this.#device?.({ deviceType: 'usb' }) ?? false;
  }

  isCancelled(url: string, resourceType: string): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#beforeRequest === null) resolve(false);
      else {
        this.#beforeRequest({ url, resourceType }, ({ cancel = false }) => {
          resolve(cancel);
        });
      }
    });
  }
}

export const defaultSession = new Session();
