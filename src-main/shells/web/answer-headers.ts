import { contentSecurityPolicy } from '../console-files.ts';

/** Of every answer, whatever it is: nothing of it is framed, embedded, guessed at, kept, or told to others. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cache-Control': 'no-store',
};

/** Of the page with the form for the password. Without a referrer a browser would not say either that the form is our own. */
export const formHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy.replace("form-action 'none'", "form-action 'self'"),
  'Referrer-Policy': 'same-origin',
};

/** Of files whose names change with their content. */
export const lastingHeaders: Readonly<Record<string, string>> = { 'Cache-Control': 'private, max-age=31536000, immutable' };

/** The answer to what is no request that Node would hand over. */
export function bareAnswer(status: string): string {
  const lines = Object.entries({ ...answerHeaders, Connection: 'close', 'Content-Length': '0' }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`;
}
