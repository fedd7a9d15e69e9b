import { MirrorpointError, reasonOf } from '../base/index.ts';

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The coded fault of a socket that could not connect. */
export function connectFault(address: string, error: unknown): MirrorpointError {
  const code = systemCode(error);
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    return new MirrorpointError('link-refused', `Nobody listens at ${address}. Start the server there and try again.`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new MirrorpointError('not-permitted', `${address} may not be used by this user. Run as the user that runs the server.`, {
      cause: error,
    });
  }
  if (code === 'ETIMEDOUT') {
    return new MirrorpointError('link-timeout', `${address} did not answer. Check that the server there is not stuck.`, { cause: error });
  }
  return new MirrorpointError('link-refused', `No link to ${address} came about: ${reasonOf(error)}. Try again later.`, { cause: error });
}

/** The coded fault of a listener that could not begin. */
export function listenFault(address: string, error: unknown): MirrorpointError {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    return new MirrorpointError('address-in-use', `Another listener holds ${address}. Choose another address, or stop it first.`, {
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new MirrorpointError('not-permitted', `This user may not listen at ${address}. Choose a port over 1023, or a folder of one's own.`, {
      cause: error,
    });
  }
  return new MirrorpointError('address-invalid', `Listening at ${address} is not possible: ${reasonOf(error)}.`, { cause: error });
}
