import { Notification } from 'electron';
import { MirrorpointError } from '../../base/index.ts';
import { eventPageMax, type MirrorpointClient, type ServerSettings } from '../../contract/index.ts';
import { notificationsKeptMax } from './limits.ts';
import { type Notice, NotificationChoice } from './notification-choice.ts';

/** How often the events are looked at. */
const intervalMs = 1000;

/** From which level on, by the server's settings; those of a server that has none are as usual. */
async function thresholdOf(client: MirrorpointClient): Promise<ServerSettings['notifications']> {
  try {
    return (await client.server.settings({})).notifications;
  } catch (fault) {
    if (fault instanceof MirrorpointError) return 'warning';
    throw fault;
  }
}

/** Tells of alerts by the notifications of the desktop, until it is closed. */
export class AlertNotifications implements AsyncDisposable {
  readonly #client: MirrorpointClient;
  readonly #onClick: (path: string) => void;
  readonly #ending = new AbortController();
  /** One that is forgotten can no longer be clicked. */
  readonly #shown = new Set<Notification>();
  readonly #running: Promise<void>;

  constructor(options: { client: MirrorpointClient; onClick: (path: string) => void }) {
    this.#client = options.client;
    this.#onClick = options.onClick;
    this.#running = this.#follow();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    for (const notification of this.#shown) notification.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    const before = await this.#client.server.status({});
    const choice = new NotificationChoice(before.alerts);
    const toldId = before.events.at(-1)?.id ?? 0;
    try {
      // What happened since that status is in the backlog.
      for await (const { events } of await this.#client.events.watch({ intervalMs, backlog: eventPageMax }, { signal })) {
        const news = events.filter(({ id }) => id > toldId);
        for (const notice of choice.choose(news, await thresholdOf(this.#client))) this.#show(notice);
      }
    } catch (fault) {
      if (!signal.aborted) throw fault;
    }
  }

  #show({ title, body, path }: Notice): void {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    for (const oldest of this.#shown) {
      if (this.#shown.size < notificationsKeptMax) break;
      this.#shown.delete(oldest);
    }
    this.#shown.add(notification);
    notification.on('click', () => {
      this.#onClick(path);
    });
    notification.on('close', () => {
      this.#shown.delete(notification);
    });
    notification.show();
  }
}
