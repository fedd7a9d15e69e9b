import type { MirrorpointClient } from '../../src-main/contract/index.ts';

/** A way to the engine that stands: calls go through it until it is closed. */
export interface OpenCarrier {
  readonly client: MirrorpointClient;
  /** Resolves when it broke or was closed. */
  readonly closed: Promise<void>;
  close(): void;
}

/** How a host reaches the engine. */
export interface Carrier {
  /** Rejects when nobody answers; `refused` when the server asks to sign in first. */
  open(): Promise<OpenCarrier | 'refused'>;
}
