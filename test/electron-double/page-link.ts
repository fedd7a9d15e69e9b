import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CDPSession, Page } from 'playwright-core';
import { cloned, type MessagePortMain, type PortEnd } from './message-ports.ts';
import { isolatedWorldName, pageScripts, sendBinding } from './page-scripts.ts';
import { wireCodec } from './wire-codec.ts';

const codec = wireCodec();

/** What a preload script sends to the main process. */
export type Sent =
  | { readonly type: 'send'; readonly channel: string; readonly words: unknown[] }
  | { readonly type: 'invoke'; readonly id: number; readonly channel: string; readonly words: unknown[] };

type Heard = Sent | { readonly type: 'port'; readonly portId: number; readonly data: unknown } | { readonly type: 'port-closed'; readonly portId: number };

/** The line between the main process and the preload script of one page, in a world of its own. */
export class PageLink {
  readonly #cdp: CDPSession;
  readonly #onSent: (sent: Sent) => Promise<unknown>;
  readonly #ports = new Map<number, PortEnd>();
  #contextId: number | undefined;
  #lastPortId = 0;
  /** What goes to the page waits for what went before. */
  #going: Promise<unknown> = Promise.resolve();

  private constructor(cdp: CDPSession, onSent: (sent: Sent) => Promise<unknown>) {
    this.#cdp = cdp;
    this.#onSent = onSent;
  }

  static async open(page: Page, parts: { preloadFile: string; onSent: (sent: Sent) => Promise<unknown>; onWindowOpen: (url: string) => void }): Promise<PageLink> {
    const cdp = await page.context().newCDPSession(page);
    const link = new PageLink(cdp, parts.onSent);
    cdp.on('Runtime.executionContextCreated', ({ context }) => {
      const { name, auxData } = context as { name: string; auxData?: { frameId?: string } };
      if (name === isolatedWorldName && auxData?.frameId !== undefined) link.#begin(context.id);
    });
    cdp.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      if (executionContextId === link.#contextId) link.#end();
    });
    cdp.on('Runtime.executionContextsCleared', () => {
      link.#end();
    });
    cdp.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
      if (name === sendBinding && executionContextId === link.#contextId) link.#hear(codec.decode(payload) as Heard);
    });
    cdp.on('Page.windowOpen', ({ url }) => {
      parts.onWindowOpen(url);
    });
    await cdp.send('Page.enable');
    await cdp.send('Runtime.enable');
    await cdp.send('Runtime.addBinding', { name: sendBinding, executionContextName: isolatedWorldName });
    const preloadText = readFileSync(parts.preloadFile, 'utf8');
    const scripts = pageScripts({ secret: randomBytes(16).toString('hex'), preloadText });
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source: scripts.main });
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source: scripts.isolated, worldName: isolatedWorldName });
    return link;
  }

  /** Sends to the listeners of the preload script, with ports. */
  deliver(channel: string, words: readonly unknown[], ports: readonly MessagePortMain[] = []): void {
    const portIds = ports.map((port) => {
      const portId = ++this.#lastPortId;
      const left = port.handOver({
        receive: (data) => {
          this.#say({ type: 'port', portId, value: data });
        },
        otherClosed: () => {
          this.#ports.delete(portId);
          this.#say({ type: 'port-closed', portId });
        },
      });
      this.#ports.set(portId, left);
      return portId;
    });
    this.#say({ type: 'deliver', channel, words: cloned(words), ports: portIds });
  }

  /** Says where a file is that a person drags in. */
  dragged(name: string, path: string): void {
    this.#say({ type: 'dragged', name, value: path });
  }

  /** The page is gone. */
  end(): void {
    this.#end();
  }

  #begin(contextId: number): void {
    this.#end();
    this.#contextId = contextId;
  }

  #end(): void {
    this.#contextId = undefined;
    for (const end of this.#ports.values()) end.otherClosed();
    this.#ports.clear();
  }

  #hear(heard: Heard): void {
    if (heard.type === 'port') this.#ports.get(heard.portId)?.receive(heard.data);
    else if (heard.type === 'port-closed') {
      this.#ports.get(heard.portId)?.otherClosed();
      this.#ports.delete(heard.portId);
    } else if (heard.type === 'send') void this.#onSent(heard);
    else {
      const { id } = heard;
      this.#onSent(heard).then(
        (value) => {
          this.#say({ type: 'answer', id, value: cloned(value) });
        },
        (thrown: unknown) => {
          this.#say({ type: 'answer', id, value: undefined, thrown: `Error invoking remote method '${heard.channel}': ${String(thrown)}` });
        },
      );
    }
  }

  #say(message: unknown): void {
    const contextId = this.#contextId;
    const text = codec.encode(message);
    this.#going = this.#going.then(async () => {
      if (contextId === undefined || contextId !== this.#contextId) return;
      // A page that goes away while it is spoken to is no fault.
      await this.#cdp.send('Runtime.evaluate', { expression: `hearMainProcess(${JSON.stringify(text)})`, contextId }).catch(() => undefined);
    });
  }
}
