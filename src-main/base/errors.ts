/** Every code an operating fault can carry. A code never changes its meaning; it crosses every boundary unchanged. */
export const errorCodes = [
  // devices
  'device-not-found',
  'device-in-use',
  'device-too-small',
  'device-io',
  'device-full',
  'device-missing',
  'device-foreign',
  'device-has-content',
  'device-unsuitable',
  'device-closed',
  'device-changed',
  // volume
  'not-a-volume',
  'volume-exists',
  'volume-damaged',
  'volume-full',
  'volume-in-use',
  'volume-read-only',
  'volume-not-found',
  'volume-is-mirror',
  'volume-is-primary',
  'format-too-new',
  'checksum-mismatch',
  // files
  'not-found',
  'exists',
  'not-a-directory',
  'is-a-directory',
  'directory-not-empty',
  'name-invalid',
  'name-too-long',
  'path-escapes',
  'file-too-large',
  'too-many-links',
  'too-many-symbolic-links',
  'attribute-not-found',
  'attribute-too-large',
  'not-permitted',
  // snapshots
  'snapshot-not-found',
  'snapshot-exists',
  'snapshot-held',
  'snapshot-needed',
  // wire, links and relationships
  'frame-invalid',
  'frame-too-large',
  'message-invalid',
  'protocol-too-new',
  'link-closed',
  'link-timeout',
  'link-refused',
  'address-invalid',
  'address-in-use',
  'peer-wrong-volume',
  'peer-wrong-role',
  'peer-too-small',
  'peer-diverged',
  'peer-superseded',
  'peer-not-ready',
  'peer-connected',
  'no-common-cp',
  'mirror-full',
  'peer-fault',
  // trust
  'identity-invalid',
  'invitation-invalid',
  'invitation-expired',
  'invitation-used',
  'pairing-locked',
  'pairing-refused',
  'peer-unknown',
  'peer-revoked',
  // server and command line
  'argument-invalid',
  'settings-invalid',
  'server-running',
  'server-not-running',
  'console-off',
  'password-missing',
  'source-changed',
  'cancelled',
  'unsupported',
  'limit-reached',
  // mounts
  'mount-busy',
  'mount-failed',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Temporary faults may be retried; permanent ones need a person; corrupt ones mean that stored or received bytes are wrong. */
export type FaultClass = 'temporary' | 'permanent' | 'corrupt';

const temporaryCodes: ReadonlySet<ErrorCode> = new Set(['link-closed', 'link-timeout', 'link-refused', 'peer-fault', 'peer-superseded', 'peer-not-ready']);

const corruptCodes: ReadonlySet<ErrorCode> = new Set([
  'checksum-mismatch',
  'volume-damaged',
  'frame-invalid',
  'message-invalid',
]);

/**
 * An operating fault: something outside the program went wrong. The message
 * names the subject, says why, and what to do next.
 */
export class MirrorpointError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MirrorpointError';
    this.code = code;
  }

  get faultClass(): FaultClass {
    if (temporaryCodes.has(this.code)) return 'temporary';
    return corruptCodes.has(this.code) ? 'corrupt' : 'permanent';
  }
}

/** Whether a value is an operating fault, optionally with one given code. */
export function isFault(value: unknown, code?: ErrorCode): value is MirrorpointError {
  return value instanceof MirrorpointError && (code === undefined || value.code === code);
}

/** The text of any thrown value, for messages that wrap a cause. */
export function reasonOf(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}
