/** The channels between the preload script and the main process. */
export const bridgeChannels = {
  connect: 'mirrorpoint:connect',
  /** Brings a port to the engine. */
  port: 'mirrorpoint:port',
  chooseFolder: 'mirrorpoint:choose-folder',
  chooseFiles: 'mirrorpoint:choose-files',
  stageDrag: 'mirrorpoint:stage-drag',
  startDrag: 'mirrorpoint:start-drag',
  openAtLogin: 'mirrorpoint:open-at-login',
  setOpenAtLogin: 'mirrorpoint:set-open-at-login',
  /** The page listens for what to show. */
  listening: 'mirrorpoint:listening',
  show: 'mirrorpoint:show',
} as const;

/** The data of the message that brings the page its port. */
export const portMessage = 'mirrorpoint-port';

/** What a question of the preload script is answered with: an error would lose its code on the way. */
export type BridgeAnswer<T> = { readonly value: T } | { readonly fault: { readonly code: string; readonly message: string } };
