import { type WireCodec, wireCodec } from './wire-codec.ts';

/*
 * What the double runs in a page before the page's own scripts, as text: the
 * functions here use nothing from outside themselves but what they are given.
 */

/** What the two worlds say to each other, by events of the document, which are heard at once. */
type Saying =
  | { readonly type: 'expose'; readonly key: string; readonly shape: unknown }
  | { readonly type: 'call'; readonly id: number; readonly callId: number; readonly words: unknown }
  | { readonly type: 'result'; readonly callId: number; readonly outcome: Outcome }
  | { readonly type: 'settled'; readonly promiseId: number; readonly outcome: Outcome };

type Outcome = { readonly value: unknown } | { readonly thrown: unknown };

/**
 * One end of the bridge between the page's world and the isolated one: values
 * are copied, functions and promises become stand-ins, errors keep only their
 * message, as with Electron's contextBridge.
 */
function bridgeEnd(names: { own: string; other: string }): { pass: (value: unknown) => unknown; take: (value: unknown) => unknown; say: (saying: Saying) => void; hearExposed: (listen: (key: string, api: unknown) => void) => void } {
  const functions = new Map<number, (...words: unknown[]) => unknown>();
  const promises = new Map<number, { resolve: (value: unknown) => void; reject: (thrown: unknown) => void }>();
  const results = new Map<number, Outcome>();
  let exposed: (key: string, api: unknown) => void = () => undefined;
  let lastId = 0;
  const say = (saying: Saying): void => {
    document.dispatchEvent(new CustomEvent(names.other, { detail: saying }));
  };
  const fault = (thrown: unknown): unknown => (thrown instanceof Error ? { '#error': thrown.message } : pass(thrown));
  const pass = (value: unknown): unknown => {
    if (typeof value === 'function') {
      functions.set(++lastId, value as never);
      return { '#function': lastId };
    }
    if (value instanceof Promise) {
      const promiseId = ++lastId;
      value.then(
        (settled) => {
          say({ type: 'settled', promiseId, outcome: { value: pass(settled) } });
        },
        (thrown: unknown) => {
          say({ type: 'settled', promiseId, outcome: { thrown: fault(thrown) } });
        },
      );
      return { '#promise': promiseId };
    }
    if (Array.isArray(value)) return value.map(pass);
    if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, pass(part)]));
    }
    return value;
  };
  const call = (id: number, words: unknown[]): unknown => {
    const callId = ++lastId;
    say({ type: 'call', id, callId, words: pass(words) });
    const outcome = results.get(callId);
    results.delete(callId);
    if (outcome === undefined) throw new Error('nobody answered over the bridge');
    if ('thrown' in outcome) throw take(outcome.thrown);
    return take(outcome.value);
  };
  const take = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(take);
    if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
    const known = value as Record<string, unknown>;
    if (typeof known['#error'] === 'string') return new Error(known['#error']);
    if (typeof known['#function'] === 'number') {
      const id = known['#function'];
      return (...words: unknown[]) => call(id, words);
    }
    if (typeof known['#promise'] === 'number') {
      const promiseId = known['#promise'];
      return new Promise((resolve, reject) => promises.set(promiseId, { resolve, reject }));
    }
    return Object.fromEntries(Object.entries(known).map(([key, part]) => [key, take(part)]));
  };
  const run = (id: number, words: unknown): Outcome => {
    try {
      return { value: pass(functions.get(id)?.(...(take(words) as unknown[]))) };
    } catch (thrown) {
      return { thrown: fault(thrown) };
    }
  };
  document.addEventListener(names.own, (event) => {
    const saying = (event as CustomEvent<Saying>).detail;
    if (saying.type === 'call') say({ type: 'result', callId: saying.callId, outcome: run(saying.id, saying.words) });
    else if (saying.type === 'result') results.set(saying.callId, saying.outcome);
    else if (saying.type === 'expose') exposed(saying.key, take(saying.shape));
    else {
      const waiting = promises.get(saying.promiseId);
      promises.delete(saying.promiseId);
      if ('thrown' in saying.outcome) waiting?.reject(take(saying.outcome.thrown));
      else waiting?.resolve(take(saying.outcome.value));
    }
  });
  return {
    pass,
    take,
    say,
    hearExposed: (listen) => {
      exposed = listen;
    },
  };
}

/**
 * The page's own world: gets what the preload script exposes, and nothing else.
 * Electron's ports tell when the other end has closed, Chromium's do not; so
 * ports that come here say it to each other by a message of their own.
 */
function mainWorld(end: ReturnType<typeof bridgeEnd>, closed: string): void {
  const follow = (port: MessagePort): void => {
    const close = port.close.bind(port);
    port.addEventListener('message', (event) => {
      if (event.data !== closed) return;
      event.stopImmediatePropagation();
      close();
      port.dispatchEvent(new Event('close'));
    });
    Object.defineProperty(port, 'close', {
      value: () => {
        port.postMessage(closed);
        close();
      },
    });
  };
  window.addEventListener('message', ({ ports }) => {
    ports.forEach(follow);
  });
  end.hearExposed((key, api) => {
    Object.defineProperty(globalThis, key, { value: Object.freeze(api), enumerable: true });
  });
}

export interface PreloadWorld {
  readonly codec: WireCodec;
  readonly end: ReturnType<typeof bridgeEnd>;
  /** Sends to the main process. */
  readonly send: (text: string) => void;
  /** What one end of a port says when it closes. */
  readonly closed: string;
}

/** The isolated world of the preload script, with as much of Electron as a sandboxed one has. */
function isolatedWorld(world: PreloadWorld, preload: (require: (name: string) => unknown) => void): void {
  const { codec, end, send, closed } = world;
  /** Where files are that a person drags in, by their names. */
  const paths: Record<string, string> = {};
  const listeners = new Map<string, Set<(event: unknown, ...words: unknown[]) => void>>();
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (thrown: unknown) => void }>();
  const ports = new Map<number, MessagePort>();
  let lastId = 0;
  const tell = (message: unknown): void => {
    send(codec.encode(message));
  };
  const ipcRenderer = {
    send: (channel: string, ...words: unknown[]) => {
      tell({ type: 'send', channel, words });
    },
    invoke: (channel: string, ...words: unknown[]) =>
      new Promise((resolve, reject) => {
        waiting.set(++lastId, { resolve, reject });
        tell({ type: 'invoke', id: lastId, channel, words });
      }),
    on: (channel: string, listener: (event: unknown, ...words: unknown[]) => void) => {
      const all = listeners.get(channel) ?? new Set();
      listeners.set(channel, all.add(listener));
    },
    off: (channel: string, listener: (event: unknown, ...words: unknown[]) => void) => {
      listeners.get(channel)?.delete(listener);
    },
  };
  const openPort = (portId: number): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    ports.set(portId, port1);
    port1.onmessage = ({ data }) => {
      if (data !== closed) {
        tell({ type: 'port', portId, data: data as unknown });
        return;
      }
      ports.delete(portId);
      tell({ type: 'port-closed', portId });
    };
    return port2;
  };
  const hear = (text: string): void => {
    const message = codec.decode(text) as { type: string; id: number; portId: number; channel: string; name: string; words: unknown[]; ports: number[]; value: unknown; thrown?: string };
    if (message.type === 'deliver') {
      const opened = message.ports.map(openPort);
      for (const listener of listeners.get(message.channel) ?? []) listener({ ports: opened }, ...message.words);
    } else if (message.type === 'answer') {
      const asked = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.thrown === undefined) asked?.resolve(message.value);
      else asked?.reject(new Error(message.thrown));
    } else if (message.type === 'dragged') paths[message.name] = String(message.value);
    else if (message.type === 'port') ports.get(message.portId)?.postMessage(message.value);
    else {
      ports.get(message.portId)?.postMessage(closed);
      ports.delete(message.portId);
    }
  };
  Object.defineProperty(globalThis, 'hearMainProcess', { value: hear });
  const contextBridge = {
    exposeInMainWorld: (key: string, api: unknown) => {
      end.say({ type: 'expose', key, shape: end.pass(api) });
    },
  };
  const webUtils = { getPathForFile: (file: File) => paths[file.name] ?? '' };
  preload((name) => {
    if (name !== 'electron') throw new Error(`a sandboxed preload script may not require ${name}`);
    return { contextBridge, ipcRenderer, webUtils };
  });
}

/** The name of the isolated world, and of the function in it that reaches the main process. */
export const isolatedWorldName = 'Electron Isolated Context';
export const sendBinding = 'sendToMainProcess';

/** The texts to run in each world of every document, in this order. `secret` is what the page cannot guess. */
export function pageScripts(parts: { secret: string; preloadText: string }): { main: string; isolated: string } {
  const end = (own: string, other: string): string => `(${bridgeEnd.toString()})(${JSON.stringify({ own: `${parts.secret}-${own}`, other: `${parts.secret}-${other}` })})`;
  const closed = JSON.stringify(`${parts.secret}-closed`);
  const world = `{ codec: (${wireCodec.toString()})(), end: ${end('isolated', 'main')}, send: globalThis.${sendBinding}, closed: ${closed} }`;
  return {
    main: `(${mainWorld.toString()})(${end('main', 'isolated')}, ${closed});`,
    isolated: `(${isolatedWorld.toString()})(${world}, (require, module = { exports: {} }, exports = module.exports) => {\n${parts.preloadText}\n});`,
  };
}
