import { type BrowserWindow, dialog, type IpcMain, type IpcMainEvent, type IpcMainInvokeEvent, MessageChannelMain } from 'electron';
import { z } from 'zod';
import { isFault, reasonOf } from '../../base/index.ts';
import { dragRequestSchema } from '../../contract/index.ts';
import type { Engine } from '../../engine/index.ts';
import { type BridgeAnswer, bridgeChannels, portMessage } from './bridge-channels.ts';
import { isConsoleAddress } from './console-address.ts';
import type { DesktopLog } from './desktop-log.ts';
import type { DragStaging } from './drag-staging.ts';
import { EnginePort } from './engine-port.ts';
import { portsMax } from './limits.ts';
import type { LoginItem } from './login-item.ts';

const titleSchema = z.string().min(1).max(200);
const chooseFolderSchema = z.strictObject({ title: titleSchema });
const chooseFilesSchema = z.strictObject({ title: titleSchema, isFolder: z.boolean() });
const dragIdSchema = z.string().regex(/^[0-9a-f]{16}$/);
const nothingSchema = z.undefined();

type Sender = Pick<IpcMainEvent | IpcMainInvokeEvent, 'sender' | 'senderFrame'>;

/** Whether a message comes from the console's own page, and not from a frame in it or a page that took its place. */
export function isFromConsole({ sender, senderFrame }: Sender, window: BrowserWindow | undefined): boolean {
  if (senderFrame === null || window === undefined || sender !== window.webContents) return false;
  return senderFrame.parent === null && isConsoleAddress(senderFrame.url);
}

export interface BridgeParts {
  readonly ipc: IpcMain;
  readonly engine: Promise<Engine>;
  readonly staging: Promise<DragStaging>;
  readonly loginItem: LoginItem;
  readonly log: DesktopLog;
  /** What a drag shows under the pointer. */
  readonly dragIconFile: string;
  readonly window: () => BrowserWindow | undefined;
  readonly onListening: () => void;
}

/**
 * Answers the page's preload script. Whatever comes is looked at first, who
 * sent it and what it is; what is refused is noted.
 */
export class Bridge implements AsyncDisposable {
  readonly #parts: BridgeParts;
  /** The oldest first. */
  readonly #ports = new Set<EnginePort>();
  #isClosed = false;

  constructor(parts: BridgeParts) {
    this.#parts = parts;
    const { loginItem, staging } = parts;
    this.#hear(bridgeChannels.connect, nothingSchema, (_none, event) => this.#connect(event));
    this.#hear(bridgeChannels.listening, nothingSchema, async () => {
      parts.onListening();
    });
    this.#hear(bridgeChannels.startDrag, dragIdSchema, (dragId, event) => this.#startDrag(dragId, event));
    this.#answer(bridgeChannels.chooseFolder, chooseFolderSchema, async ({ title }) => (await this.#choose(title, ['openDirectory', 'createDirectory']))[0]);
    this.#answer(bridgeChannels.chooseFiles, chooseFilesSchema, ({ title, isFolder }) =>
      this.#choose(title, [isFolder ? 'openDirectory' : 'openFile', 'multiSelections']),
    );
    this.#answer(bridgeChannels.stageDrag, dragRequestSchema, async (request) => (await staging).stage(request));
    this.#answer(bridgeChannels.openAtLogin, nothingSchema, () => loginItem.isOn());
    this.#answer(bridgeChannels.setOpenAtLogin, z.boolean(), (isOn) => loginItem.set(isOn));
  }

  /** Ends every port. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#ports].map((port) => port.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The argument of a message, or undefined when the message was refused. */
  #checked<T>(channel: string, schema: z.ZodType<T>, event: Sender, words: readonly unknown[]): { argument: T } | { refusal: string } {
    const { log, window } = this.#parts;
    if (!isFromConsole(event, window())) {
      log.refused(`a message on ${channel} from ${event.senderFrame?.url ?? 'a page that is gone'}`);
      return { refusal: 'Only the console itself may ask for this.' };
    }
    const parsed = schema.safeParse(words[0]);
    if (parsed.success && words.length <= 1) return { argument: parsed.data };
    const why = parsed.success ? 'it has too many parts' : z.prettifyError(parsed.error);
    log.refused(`a message on ${channel}: ${why}`);
    return { refusal: `The request was refused before anything was done. ${why}` };
  }

  #hear<T>(channel: string, schema: z.ZodType<T>, work: (argument: T, event: IpcMainEvent) => Promise<void>): void {
    this.#parts.ipc.on(channel, (event, ...words: unknown[]) => {
      const checked = this.#checked(channel, schema, event, words);
      if ('argument' in checked) work(checked.argument, event).catch((fault: unknown) => this.#parts.log.add(`${channel} failed: ${reasonOf(fault)}`, 'warning'));
    });
  }

  #answer<T, A>(channel: string, schema: z.ZodType<T>, work: (argument: T) => Promise<A>): void {
    this.#parts.ipc.handle(channel, async (event, ...words: unknown[]): Promise<BridgeAnswer<A>> => {
      const checked = this.#checked(channel, schema, event, words);
      if ('refusal' in checked) return { fault: { code: 'argument-invalid', message: checked.refusal } };
      try {
        return { value: await work(checked.argument) };
      } catch (fault) {
        if (isFault(fault)) return { fault: { code: fault.code, message: fault.message } };
        this.#parts.log.add(`A fault in the program at ${channel}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`, 'problem');
        return { fault: { code: 'program-fault', message: `The program met a fault of its own: ${reasonOf(fault)}. See Activity.` } };
      }
    });
  }

  async #connect(event: IpcMainEvent): Promise<void> {
    const { engine: opening, log } = this.#parts;
    const engine = await opening;
    const frame = event.senderFrame;
    if (this.#isClosed || frame === null || frame.isDestroyed()) return;
    const { port1, port2 } = new MessageChannelMain();
    const served = EnginePort.serve(port1, {
      engine,
      onRefused: (what) => {
        log.refused(what);
      },
      onClose: () => this.#ports.delete(served),
    });
    this.#ports.add(served);
    for (const oldest of this.#ports) {
      if (this.#ports.size <= portsMax) break;
      void oldest.close();
    }
    frame.postMessage(bridgeChannels.port, portMessage, [port2]);
  }

  async #startDrag(dragId: string, event: IpcMainEvent): Promise<void> {
    const files = (await this.#parts.staging).filesOf(dragId);
    event.sender.startDrag({ file: files[0] ?? '', files: [...files], icon: this.#parts.dragIconFile });
  }

  async #choose(title: string, properties: NonNullable<Electron.OpenDialogOptions['properties']>): Promise<string[]> {
    const window = this.#parts.window();
    const { canceled, filePaths } = await (window === undefined ? dialog.showOpenDialog({ title, properties }) : dialog.showOpenDialog(window, { title, properties }));
    return canceled ? [] : filePaths;
  }
}
