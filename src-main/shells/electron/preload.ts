// Runs sandboxed before the page; all that the page learns is which host it is in.
import { contextBridge } from 'electron';

contextBridge.exposeInMainWorld('mirrorpointHost', 'desktop');
