/** A process that listens at an address and sends back what comes: `node echo-server.ts FOLDER ADDRESS`. */
import { createTransports } from '../../src-main/transport/index.ts';
import type { Link } from '../../src-main/transport/index.ts';

const [ipcFolder = '', address = ''] = process.argv.slice(2);

async function echo(link: Link): Promise<void> {
  for (;;) {
    const chunk = await link.receive();
    if (chunk === undefined) break;
    await link.send([chunk]);
  }
  await link.close();
}

try {
  const listener = await createTransports({ ipcFolder }).listen(address, (link) => {
    echo(link).catch(() => undefined);
  });
  process.stdout.write(`ready ${listener.address}\n`);
} catch (error) {
  process.stdout.write(`failed ${String((error as { code?: unknown }).code)}\n`);
}
