import type { Role, ServerStatus, Verdict } from '../../../src-main/contract/index.ts';

type VolumeAtAGlance = ServerStatus['volumes'][number];

/** What a volume is to its server, in a few words. */
export function roleWords({ role, cloneOf }: { role: Role; cloneOf?: string | undefined }): string {
  if (cloneOf !== undefined) return `Clone of ${cloneOf}, to try things out`;
  return role === 'primary' ? 'Primary: holds the files' : 'Mirror: holds a copy';
}

const transitions = {
  'handing-over': 'Being handed over, takes no changes',
  promoting: 'Becoming the primary',
  'stepping-down': 'Becoming a mirror',
} as const;

/** Whether a volume is in service, as a level and in words. */
export function stateWords({ state, transition }: Pick<VolumeAtAGlance, 'state' | 'transition'>): { level: Verdict['level']; label: string } {
  if (state === 'failed') return { level: 'problem', label: 'Not served' };
  if (transition !== undefined) return { level: 'working', label: transitions[transition] };
  return state === 'open' ? { level: 'good', label: 'In service' } : { level: 'attention', label: 'Closed' };
}

/** The other server of a relationship: its name where it has said it, else where it is; an identity alone is cut short. */
export function otherEnd({ address, peerName }: { address: string; peerName?: string | undefined }): string {
  if (peerName !== undefined) return peerName;
  return /^[0-9a-f]{32,64}$/.test(address) ? `server ${address.slice(0, 8)}…` : address;
}
