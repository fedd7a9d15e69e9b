/** The name of a snapshot that the schedule makes: when it was taken in UTC, for people, and its CP, which no other has. */
export function automaticName({ cp, wallMs }: { cp: number; wallMs: number }): string {
  const minute = new Date(wallMs).toISOString().slice(0, -8).replace(':', '.');
  return `auto-${minute}Z-cp${cp}`;
}

/** Whether the schedule made a snapshot: people cannot give such names. */
export function isAutomaticName(name: string): boolean {
  return /^auto-[-+0-9T.]+Z-cp[0-9]+$/.test(name);
}
