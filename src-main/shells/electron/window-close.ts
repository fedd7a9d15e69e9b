/** What closing the window means. */
export type CloseAction =
  /** The program goes on in the tray, or the dock. */
  | 'hide'
  /** The program ends, with a final CP. */
  | 'quit'
  /** The window closes, because the program is ending. */
  | 'close';

/**
 * What happens when somebody closes the window. Mirroring must not end by a
 * click beside it; but a program that serves nothing, or that nobody could find
 * again, ends.
 */
export function closeAction(state: { isEnding: boolean; hasTray: boolean; servesVolumes: boolean; platform: NodeJS.Platform }): CloseAction {
  if (state.isEnding) return 'close';
  // On macOS a program stays in the dock without a window.
  if (state.platform === 'darwin') return 'hide';
  return state.hasTray && state.servesVolumes ? 'hide' : 'quit';
}
