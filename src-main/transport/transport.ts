/**
 * One connection: an ordered stream of bytes each way, without boundaries.
 * Every operating fault of an open link is 'link-closed'.
 */
export interface Link extends AsyncDisposable {
  /** The other end, as messages name it. */
  readonly remote: string;

  /** The identity of the server at the other end, where the carrier has proven it. */
  readonly peerIdentity?: string | undefined;

  /**
   * Sends the buffers one behind the other. Resolves when the carrier has
   * taken them; until then they must stay unchanged. Several sends may be
   * outstanding, up to `outstandingSendsMax` and `outstandingBytesMax`; their
   * order is kept. Fails with 'link-closed' when the link ends before.
   */
  send(buffers: readonly Uint8Array[]): Promise<void>;

  /**
   * The next bytes, at least one, which are the caller's to keep; `undefined`
   * after the peer's orderly end, again and again. Fails with 'link-closed'
   * when the link was cut or is closed on this side. Nothing is read ahead
   * beyond a named maximum, so a reader that waits holds the sender back.
   * Only one call may be pending.
   */
  receive(): Promise<Uint8Array | undefined>;

  /**
   * Ends the link in order: what was sent before is delivered if the peer
   * takes it within a short grace. Calling it again returns the same end.
   */
  close(): Promise<void>;
}

/** Takes connections at an address. Closing it leaves the links that it has handed out alone. */
export interface Listener extends AsyncDisposable {
  /** The address that reaches it; a port of 0 has become the real one. */
  readonly address: string;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** How long to try; `connectTimeoutMs` unless given. */
  readonly timeoutMs?: number;
  /** The identity that the server there must prove. Carriers that can prove one demand it. */
  readonly peer?: string;
}

/** A carrier of links. */
export interface Transport {
  /** Fails with 'address-invalid', 'link-refused' when nobody listens, or 'link-timeout'. */
  connect(address: string, options?: ConnectOptions): Promise<Link>;

  /** Fails with 'address-invalid' or 'address-in-use'. Hands over up to `linksPerListenerMax` links at a time. */
  listen(address: string, onLink: (link: Link) => void): Promise<Listener>;
}
