import type { Command } from 'commander';
import { formatBytes, MirrorpointError } from '../../base/index.ts';
import type { RateLimitSettings, RatesInForce, RateWindowSetting } from '../../contract/index.ts';
import { addCommand, type Surroundings } from './command.ts';
import { parseSize } from './values.ts';

/** Bytes per second from `2M`; undefined from `off`. Whether it is enough is for the server to say. */
function parseRate(text: string): number | undefined {
  if (text === 'off') return undefined;
  return /^0+[a-z]*$/i.test(text) ? 0 : parseSize(text);
}

/** `08:00-18:00=2M`. */
function parseWindow(text: string): RateWindowSetting {
  const match = /^([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})=(.+)$/.exec(text);
  if (match === null) throw badWindow(text);
  const [from, to] = [match[1]!, match[2] === '24:00' ? '00:00' : match[2]!];
  if (from > '23:59' || to > '23:59' || from.slice(3) > '59' || to.slice(3) > '59') throw badWindow(text);
  const bytesPerSecond = parseRate(match[3]!);
  return { from, to, ...(bytesPerSecond !== undefined && { bytesPerSecond }) };
}

function badWindow(text: string): MirrorpointError {
  return new MirrorpointError('argument-invalid', `'${text}' is no time with its limit. Write it like 08:00-18:00=2M, or 22:00-06:00=off.`);
}

function formatRate(bytesPerSecond: number | undefined): string {
  return bytesPerSecond === undefined ? 'no limit' : `${formatBytes(bytesPerSecond)}/s`;
}

function limitLines({ limits, bytesPerSecondNow }: RatesInForce): string[] {
  const windows = limits.windows.map(({ from, to, bytesPerSecond }) => `${from} to ${to}: ${formatRate(bytesPerSecond)}`);
  const rest = windows.length === 0 ? 'At all times' : 'Otherwise';
  return [...windows, `${rest}: ${formatRate(limits.bytesPerSecond)}`, `Now: ${formatRate(bytesPerSecondNow)}`];
}

interface SetOptions {
  rate?: string;
  between?: string[];
  clear?: boolean;
}

function limitsOf({ rate, between = [], clear }: SetOptions): RateLimitSettings {
  if ((rate !== undefined || between.length > 0) === (clear === true)) {
    throw new MirrorpointError('argument-invalid', 'Say which limits are to hold by --rate and --between, or that none is by --clear.');
  }
  const bytesPerSecond = rate === undefined ? undefined : parseRate(rate);
  return { ...(bytesPerSecond !== undefined && { bytesPerSecond }), windows: between.map(parseWindow) };
}

export function addLimitCommands(program: Command, surroundings: Surroundings): void {
  const limits = program.command('limits').description('how fast a primary may send to one mirror, also by the time of day');
  addCommand<[string, string]>(
    limits,
    surroundings,
    { usage: 'show <volume> <address>', summary: 'show the limits of a link, and the one that holds now', examples: ['limits show work tls://192.168.1.20:7400'] },
    (command) => command,
    async ({ output, withClient }, _options, volume, address) => {
      const rates = await withClient((client) => client.relationships.limits({ volume, address }));
      output.result(rates, () => limitLines(rates));
    },
  );
  addCommand<[string, string]>(
    limits,
    surroundings,
    {
      usage: 'set <volume> <address>',
      summary: "put limits in the place of those of a link; they hold at once. Times are the server's local time",
      examples: [
        'limits set work tls://192.168.1.20:7400 --rate 5M',
        'limits set work tls://192.168.1.20:7400 --between 08:00-18:00=2M',
        'limits set work tls://192.168.1.20:7400 --rate 10M --between 08:00-18:00=2M 22:00-06:00=off',
        'limits set work tls://192.168.1.20:7400 --clear',
      ],
    },
    (command) =>
      command
        .option('--rate <size>', 'bytes per second outside of the times given by --between; off for no limit')
        .option('--between <times...>', 'HH:MM-HH:MM=RATE, the limit in that part of each day')
        .option('--clear', 'no limits any more'),
    async ({ output, withClient }, options, volume, address) => {
      const rates = await withClient((client) => client.relationships.setLimits({ volume, address, limits: limitsOf(options as SetOptions) }));
      output.result(rates, () => limitLines(rates));
    },
  );
}
