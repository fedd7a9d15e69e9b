// @vitest-environment happy-dom
import { createPinia } from 'pinia';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp } from 'vue';
import packageManifest from '../../package.json' with { type: 'json' };
import App from '../../src-renderer/App.vue';
import { detectHost } from '../../src-renderer/client/index.ts';
import { createConsoleRouter } from '../../src-renderer/router.ts';

async function renderConsole(): Promise<{ text: string; unmount: () => void }> {
  const place = document.createElement('div');
  const router = createConsoleRouter();
  const app = createApp(App).use(createPinia()).use(router);
  app.mount(place);
  await router.isReady();
  return { text: place.textContent, unmount: () => { app.unmount(); } };
}

describe('the console', () => {
  let unmount: (() => void) | undefined;

  afterEach(() => {
    unmount?.();
    Reflect.deleteProperty(globalThis, 'mirrorpointHost');
  });

  it('names the product, its version and the command line that administers it', async () => {
    const page = await renderConsole();
    unmount = page.unmount;
    expect(page.text).toContain('Mirrorpoint');
    expect(page.text).toContain(`Version ${packageManifest.version}, in a browser.`);
    expect(page.text).toContain('mirrorpoint --help');
  });

  it('knows the desktop window by the mark that its preload script leaves', () => {
    expect(detectHost({})).toBe('browser');
    expect(detectHost({ mirrorpointHost: 'desktop' })).toBe('desktop');
    expect(detectHost({ mirrorpointHost: {} })).toBe('browser');
  });
});
