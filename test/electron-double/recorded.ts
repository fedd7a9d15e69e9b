/** What the program has done that a person would see, for the test to look at. */
export const record = {
  messageBoxes: [] as { message: string; detail: string; buttons: string[] }[],
  errorBoxes: [] as { title: string; content: string }[],
  openDialogs: [] as { title: string; properties: string[] }[],
  notifications: [] as { title: string; body: string }[],
  openedOutside: [] as string[],
  openedPaths: [] as string[],
  drags: [] as { files: string[]; icon: string; areThere: boolean }[],
  /** Utility processes that were started. */
  programs: [] as string[],
  popups: [] as string[],
  /** Errors in the page's console, and faults that nobody caught there. */
  pageErrors: [] as string[],
  /** Requests that would have left the machine. */
  escaped: [] as string[],
};

/** What the person answers, in this order. */
export const answers = {
  openDialogs: [] as string[][],
  messageBoxes: [] as number[],
};

/** A person who reads a message, when the test says that it takes time. */
export const reader = {
  isSlow: process.env.ELECTRON_DOUBLE_SLOW_READER === '1',
  done: undefined as (() => void) | undefined,
};

