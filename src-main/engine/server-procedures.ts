import { MirrorpointError } from '../base/index.ts';
import type { ServerSettings } from '../contract/index.ts';
import { isPlainName } from '../pairing/index.ts';
import type { Engine } from './engine.ts';
import { procedures } from './procedures.ts';
import { watch } from './watch.ts';

/** A status is told so often even without a change, so that times are seen to go on. */
const quietMs = 5000;

function settingsOf({ book }: Engine): ServerSettings {
  const { serverName, notifications = 'warning' } = book.current;
  return { serverName, notifications };
}

/** A name that others would be shown changed would not be this server's. */
function checkName(name: string): void {
  if (isPlainName(name)) return;
  throw new MirrorpointError('argument-invalid', `'${name}' cannot be a server's name: it has characters that are not shown. Leave them out.`);
}

async function configure(engine: Engine, change: { serverName?: string | undefined; notifications?: ServerSettings['notifications'] | undefined }): Promise<ServerSettings> {
  const { serverName, notifications } = change;
  if (serverName !== undefined) checkName(serverName);
  const before = settingsOf(engine);
  await engine.book.change((now) => ({
    ...now,
    ...(serverName !== undefined && { serverName }),
    ...(notifications !== undefined && { notifications }),
  }));
  const after = settingsOf(engine);
  if (after.serverName !== before.serverName) engine.events.add('server', `It was called '${before.serverName}', and is called '${after.serverName}' now.`);
  engine.noteChange();
  return after;
}

export const serverProcedures = {
  status: procedures.server.status.handler(({ context: { engine } }) => engine.status()),

  watch: procedures.server.watch.handler(({ input: { intervalMs }, signal, context: { engine } }) =>
    watch(engine.ports.clock, { look: () => engine.status(), onNews: (listener) => engine.onChange(listener), intervalMs, quietMs, signal }),
  ),

  settings: procedures.server.settings.handler(({ context: { engine } }) => settingsOf(engine)),

  configure: procedures.server.configure.handler(({ input, context: { engine } }) => configure(engine, input)),

  stop: procedures.server.stop.handler(({ context: { engine } }) => {
    engine.ports.requestStop();
    return {};
  }),
};
