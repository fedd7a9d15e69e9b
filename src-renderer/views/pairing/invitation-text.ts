const prefix = 'mirrorpoint-invitation:';

/** Version, identity, secret, count of addresses, one address and the checksum. */
const bytesMin = 1 + 32 + 20 + 1 + 1 + 'tls://a:1'.length + 8;

/** An invitation as it is copied: as one line, or with the command that the other server shows it in. */
export function cleanInvitation(text: string): string {
  const line = text.replace(/\s/g, '');
  const start = line.indexOf(prefix);
  return start > 0 && /^(?:npx)?mirrorpointpair$/.test(line.slice(0, start)) ? line.slice(start) : line;
}

function refused(why: string): string {
  return `This invitation cannot be used: ${why}. Copy it again as a whole, or make a new one.`;
}

/** What is wrong with an invitation, as far as its letters tell; nothing while it is not filled in. */
export function faultOfInvitation(text: string): string | undefined {
  const line = cleanInvitation(text);
  if (line === '') return undefined;
  if (!line.startsWith(prefix)) return refused(`it does not begin with '${prefix}'`);
  const letters = line.slice(prefix.length);
  if (!/^[A-Za-z0-9_-]*$/.test(letters) || letters.length % 4 === 1) return refused('it has letters that no invitation has, or was cut short');
  return Math.floor((letters.length * 3) / 4) < bytesMin ? refused('it was cut short') : undefined;
}
