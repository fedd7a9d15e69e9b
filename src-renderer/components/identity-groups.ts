/** An identity as people compare it: in groups of four digits. */
export function identityGroups(identity: string): string[] {
  return identity.match(/.{1,4}/g) ?? [];
}
