import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/fetch';
import type { z } from 'zod';
import { type Clock, MirrorpointError, reasonOf } from '../base/index.ts';
import { faultFromWire, type PeerClient, translatingFaults } from '../contract/index.ts';
import { Questioner } from '../control/index.ts';
import type { EngineSession } from './session.ts';
import type { SettingsBook } from './settings.ts';
import type { Trust } from './trust.ts';

/** A paired server, and where it is unless a link of a volume tells. */
export interface PeerChoice {
  readonly peer: string;
  readonly address?: string | undefined;
}

interface Asked {
  readonly questioner: Questioner;
  readonly client: PeerClient;
}

/** The paired servers that callers ask questions; each caller has links of its own, which end with its session. */
export class PeerClients {
  readonly #clock: Clock;
  readonly #book: SettingsBook;
  readonly #trust: Trust;
  readonly #asked = new WeakMap<EngineSession, Map<string, Promise<Asked>>>();

  constructor(options: { clock: Clock; book: SettingsBook; trust: Trust }) {
    this.#clock = options.clock;
    this.#book = options.book;
    this.#trust = options.trust;
  }

  /** Fails with 'peer-unknown', 'peer-revoked', 'argument-invalid' where nobody says where the server is, and the faults of connecting. */
  async of(session: EngineSession, choice: PeerChoice): Promise<PeerClient> {
    const { identity, name } = this.#trust.peers.require(choice.peer);
    const address = choice.address ?? this.#addressOf(identity, name);
    const known = this.#asked.get(session) ?? new Map<string, Promise<Asked>>();
    this.#asked.set(session, known);
    const key = `${identity} ${address}`;
    const before = await known.get(key)?.catch(() => undefined);
    if (before?.questioner.isOpen === true) return before.client;
    const asked = this.#connect(session, { identity, name, address });
    known.set(key, asked);
    return (await asked).client;
  }

  async #connect(session: EngineSession, server: { identity: string; name: string; address: string }): Promise<Asked> {
    const { identity, name, address } = server;
    const questioner = new Questioner(await this.#trust.connectToControl(address, identity), { clock: this.#clock });
    await session.own(questioner);
    const link = new RPCLink({
      url: 'http://peer',
      fetch: (request) => questioner.ask(request),
      interceptors: [(options) => translatingFaults(() => options.next(), (thrown) => faultFromPeer(thrown, name))],
    });
    return { questioner, client: createORPCClient<PeerClient>(link) };
  }

  #addressOf(identity: string, name: string): string {
    const address = this.#book.current.relationships.find(({ peer, address }) => peer === identity && address !== undefined)?.address;
    if (address !== undefined) return address;
    throw new MirrorpointError('argument-invalid', `No volume here is linked to '${name}', so nobody knows where that server is. Write ${name}@tls://HOST:PORT.`);
  }
}

/** A paired server's faults are operating faults here, whatever it met. */
function faultFromPeer(thrown: unknown, name: string): unknown {
  if (thrown instanceof MirrorpointError) return thrown;
  const fault = faultFromWire(thrown);
  if (fault instanceof MirrorpointError) return fault;
  return new MirrorpointError('peer-fault', `The server '${name}' met a fault of its own: ${reasonOf(thrown)}. See its log, and run the same version on both servers.`, { cause: thrown });
}

/** An answer of a paired server, which may be of another version. Fails with 'message-invalid'. */
export function checkedAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw new MirrorpointError('message-invalid', 'The paired server answered something else than was asked. Run the same version on both servers.', { cause: result.error });
}
