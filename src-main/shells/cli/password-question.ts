import { MirrorpointError } from '../../base/index.ts';
import { readSecret } from './question.ts';

/** A new password, from the terminal twice, so that one that was mistyped is not set. `whose` is as in "the console". */
export async function askNewPassword(whose: string, signal: AbortSignal): Promise<string> {
  const password = await readSecret(`New password of ${whose}: `, signal);
  if (password === undefined) throw new MirrorpointError('cancelled', `No password was given, and nothing was changed for ${whose}.`);
  if (!process.stdin.isTTY) return password;
  if ((await readSecret('The same again: ', signal)) === password) return password;
  throw new MirrorpointError('argument-invalid', `The two were not the same, and nothing was changed for ${whose}. Run the command again.`);
}
