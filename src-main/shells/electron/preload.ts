// Runs sandboxed before the page, and gives it the bridge and nothing else.
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { DesktopBridge } from '../../contract/index.ts';
import { type BridgeAnswer, bridgeChannels, portMessage } from './bridge-channels.ts';

async function ask<T>(channel: string, argument?: unknown): Promise<T> {
  const answer = (await ipcRenderer.invoke(channel, argument)) as BridgeAnswer<T>;
  if ('fault' in answer) throw answer.fault;
  return answer.value;
}

const bridge: DesktopBridge = {
  connect() {
    ipcRenderer.send(bridgeChannels.connect);
  },
  chooseFolder: (options) => ask(bridgeChannels.chooseFolder, options),
  chooseFiles: (options) => ask(bridgeChannels.chooseFiles, options),
  pathOfFile: (file) => webUtils.getPathForFile(file),
  stageDrag: (request) => ask(bridgeChannels.stageDrag, request),
  startDrag(dragId) {
    ipcRenderer.send(bridgeChannels.startDrag, dragId);
  },
  openAtLogin: () => ask(bridgeChannels.openAtLogin),
  setOpenAtLogin: (isOn) => ask(bridgeChannels.setOpenAtLogin, isOn),
  onShow(listener) {
    const hear = (_event: unknown, path: unknown): void => {
      if (typeof path === 'string') listener(path);
    };
    ipcRenderer.on(bridgeChannels.show, hear);
    ipcRenderer.send(bridgeChannels.listening);
    return () => {
      ipcRenderer.off(bridgeChannels.show, hear);
    };
  },
};

ipcRenderer.on(bridgeChannels.port, (event) => {
  // To this page itself, whatever its address; the bridge cannot carry a port.
  window.postMessage(portMessage, '/', event.ports);
});

contextBridge.exposeInMainWorld('mirrorpointDesktop', bridge);
