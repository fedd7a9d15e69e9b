/** The schemes that the program has registered as standard ones, which a page may come from. */
const standardSchemes = new Map<string, Readonly<Record<string, boolean>>>();

export function registerSchemes(schemes: readonly { scheme: string; privileges?: Readonly<Record<string, boolean>> }[]): void {
  for (const { scheme, privileges = {} } of schemes) standardSchemes.set(scheme, privileges);
}

export function registeredSchemes(): Readonly<Record<string, unknown>> {
  return Object.fromEntries(standardSchemes);
}

const stand = /^https:\/\/([a-z0-9.-]+)\.([a-z]+)-scheme\.invalid(\/.*)?$/;

/** Chromium opens only schemes that it knows, so that each host of another one gets a secure origin in its place. */
export function toWeb(url: string): string {
  const match = /^([a-z]+):\/\/([a-z0-9.-]+)(\/.*)?$/.exec(url);
  const [, scheme = '', host = '', path = '/'] = match ?? [];
  return standardSchemes.get(scheme)?.standard === true ? `https://${host}.${scheme}-scheme.invalid${path}` : url;
}

/** The address that an address in Chromium stands for. */
export function fromWeb(url: string): string {
  const match = stand.exec(url);
  return match === null ? url : `${match[2] ?? ''}://${match[1] ?? ''}${match[3] ?? '/'}`;
}
