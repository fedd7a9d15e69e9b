import { z } from 'zod';
import { restoreSourceSchema } from './restore-schemas.ts';

/**
 * What only the desktop can do. The preload script puts an implementation on
 * the window as `mirrorpointDesktop`; in a browser there is none. Questions to
 * the engine do not go this way: they take the port that `connect` asks for,
 * which arrives as a `message` event of the window with the data
 * `mirrorpoint-port` and the port among its ports.
 */
export interface DesktopBridge {
  /** Asks for a new port to the engine. */
  connect(): void;
  /** Undefined when the person chose none. Absolute paths. */
  chooseFolder(options: { title: string }): Promise<string | undefined>;
  chooseFiles(options: { title: string; isFolder: boolean }): Promise<string[]>;
  /** The absolute path of a file that was dragged in from the desktop; empty when it has none. */
  pathOfFile(file: File): string;
  /** Makes private copies of the items for a drag to the file manager. Fails with a coded fault when they are too big or too many. */
  stageDrag(request: DragRequest): Promise<{ dragId: string }>;
  /** Hands staged items over; called in a `dragstart` whose default was prevented. */
  startDrag(dragId: string): void;
  openAtLogin(): Promise<boolean>;
  setOpenAtLogin(isOn: boolean): Promise<boolean>;
  /** What the menu or the tray asks the window to show: a path of its router. */
  onShow(listener: (path: string) => void): () => void;
}

export const dragRequestSchema = restoreSourceSchema;
export type DragRequest = z.infer<typeof dragRequestSchema>;

/** How a coded fault crosses from the desktop to its window: a promise of the bridge is rejected with such an object. */
export const bridgeFaultSchema = z.object({ code: z.string(), message: z.string() });
