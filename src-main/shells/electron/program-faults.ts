import { app, dialog } from 'electron';
import type { DesktopLog } from './desktop-log.ts';

function describe(fault: unknown): string {
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
}

/**
 * From now on a fault that nobody caught is noted and shown, and ends the
 * program in order: what the process holds in memory cannot be trusted, what
 * was acknowledged is in the journals.
 */
export function catchProgramFaults(log: DesktopLog): void {
  let isTold = false;
  const tell = (fault: unknown): void => {
    const text = describe(fault);
    process.stderr.write(`mirrorpoint: a fault in the program: ${text}\n`);
    log.add(`A fault in the program: ${text}`, 'problem');
    if (isTold) return;
    isTold = true;
    const title = 'Mirrorpoint met a fault of its own';
    if (!app.isReady()) {
      dialog.showErrorBox(title, text);
      app.exit(1);
      return;
    }
    const detail = `It ends now, and takes a last CP of each volume if it can. Nothing that was acknowledged is lost. Start it again; should it happen again, report this:\n\n${text}`;
    void dialog.showMessageBox({ type: 'error', title: 'Mirrorpoint', message: title, detail, buttons: ['Quit'] }).finally(() => {
      app.quit();
    });
  };
  process.on('uncaughtException', tell);
  process.on('unhandledRejection', tell);
}
