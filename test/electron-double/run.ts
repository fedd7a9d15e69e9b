/** Runs a built main file with the double in the place of `electron`, and does what the test says. */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { app } from './app.ts';
import { obey } from './orders.ts';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'electron') return next(specifier, context);
    return { url: new URL('./electron.ts', import.meta.url).href, shortCircuit: true };
  },
});

// Where a package has what another program is to show.
Object.defineProperty(process, 'resourcesPath', { value: process.env.ELECTRON_DOUBLE_RESOURCES ?? '' });

const [mainFile, ...words] = process.argv.slice(2);
// One that is not packaged is started with its folder.
process.argv = [process.execPath, ...(app.isPackaged ? [] : [app.getAppPath()]), ...words];
obey();
await import(pathToFileURL(mainFile ?? '').href);
app.becomeReady();
