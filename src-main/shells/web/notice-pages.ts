import { passwordCharactersMax } from '../../engine/index.ts';

/** Where the pages' style is, which anybody may have. */
export const noticeStylePath = '/notice.css';

export const noticeStyle = `:root {
  color-scheme: light dark;
  font-family: system-ui, sans-serif;
  line-height: 1.5;
}

body {
  margin: 0;
}

main {
  max-width: 36rem;
  margin: 0 auto;
  padding: 4rem 1.5rem;
}

h1 {
  font-size: 1.4rem;
}

code {
  font-family: ui-monospace, monospace;
}

label,
input {
  display: block;
}

input,
button {
  box-sizing: border-box;
  margin: 0.5rem 0 1rem;
  padding: 0.6rem 0.9rem;
  font: inherit;
}

input {
  width: 100%;
}

:focus-visible {
  outline: 3px solid Highlight;
  outline-offset: 2px;
}
`;

/** A page that stands by itself. Its parts are fixed texts, or escaped. */
function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} - Mirrorpoint</title>
    <link rel="stylesheet" href="${noticeStylePath}" />
  </head>
  <body>
    <main>
      <h1>${title}</h1>
${body}
    </main>
  </body>
</html>
`;
}

const bringsIn =
  '<p>Run <code>mirrorpoint console</code> on the machine that runs the server, as the user who runs it. It prints an address that is good once, ' +
  'for a few minutes, and opens it where there is a desktop.</p>';

/** What somebody sees who has not come in. */
export function entrancePage(): string {
  return page('This is the console of a Mirrorpoint server', `${bringsIn}\n<p>If you have come in with this browser already, <a href="/">go on</a>.</p>`);
}

/** Why a password did not let somebody in. */
export type PasswordTrouble = 'wrong' | 'locked' | 'busy';

const troubles: Readonly<Record<PasswordTrouble, string>> = {
  wrong: 'That is not the password.',
  locked: 'Too many wrong passwords came from your address. Wait ten minutes before the next try.',
  busy: 'Too many passwords are being checked just now. Try again in a moment.',
};

export function passwordPage(trouble?: PasswordTrouble): string {
  const said = trouble === undefined ? '' : `<p role="alert"><strong>${troubles[trouble]}</strong></p>\n`;
  return page(
    'This is the console of a Mirrorpoint server',
    `${said}<form method="post" action="/login">
  <label for="password">Password of the console</label>
  <input id="password" name="password" type="password" autocomplete="current-password" maxlength="${passwordCharactersMax}" required autofocus />
  <button type="submit">Come in</button>
</form>
${bringsIn}`,
  );
}

export function launchOverPage(kind: 'used' | 'unknown'): string {
  const why =
    kind === 'used'
      ? '<p>Somebody has come in with it before. Lest it was somebody else, that session was ended.</p>'
      : '<p>It was used, its time is over, or the server was started anew since it was made.</p>';
  return page('This address is not good any more', `${why}\n${bringsIn}`);
}

export function refusedPage(why: 'host' | 'origin'): string {
  const text =
    why === 'host'
      ? '<p>The server is asked under a name or port that is not its own, as a foreign page would. Use the address that <code>mirrorpoint console</code> ' +
        'prints. When you forward a port, forward the same one. A name of its own is given to an address by <code>mirrorpoint console listen --name</code>.</p>'
      : '<p>A page of another address asked for this. Only the console itself may.</p>';
  return page('Refused', text);
}

/** The console was never built where this server runs. */
export function notBuiltPage(consoleFolder: string): string {
  return page(
    'The console is not built',
    `<p>The server runs, and the command line works, but there is no console in <code>${escaped(consoleFolder)}</code>. ` +
      'Run <code>npm run build</code> in the project folder, then load this page again.</p>',
  );
}

export function plainPage(title: 'Not found' | 'Not allowed'): string {
  return page(title, '<p><a href="/">To the console</a></p>');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
