import type { Role, ShareAccess, ShareStatus } from '../../../src-main/contract/index.ts';

export const accessChoices: readonly { value: ShareAccess | 'none'; label: string }[] = [
  { value: 'none', label: 'May not use it' },
  { value: 'read', label: 'Reads' },
  { value: 'write', label: 'Reads and writes' },
];

/** How the volume stands as a network drive, in a sentence or two. */
export function shareSentence(share: ShareStatus | undefined, role: Role): string {
  const what = role === 'mirror' ? 'its last CP, read-only' : 'as it is now';
  if (share === undefined) return `No client may use this volume as a network drive. When it is shared, users see it ${role === 'mirror' ? `at ${what}` : what}.`;
  if (share.users.length === 0) return 'It is shared, and nobody may use it yet. Let a user in.';
  if (!share.isServed) return 'It is shared, and not served now. See Activity for the reason.';
  return `Users see it ${role === 'mirror' ? `at ${what}` : what}. Snapshots are in the folder .snapshot, which no listing shows.`;
}
