import { describe, expect, it } from 'vitest';
import { isFault } from '../../src-main/base/index.ts';
import { createTransports, parseAddress } from '../../src-main/transport/index.ts';

describe('addresses', () => {
  it.each([
    ['tcp://127.0.0.1:7777', { scheme: 'tcp', host: '127.0.0.1', port: 7777 }],
    ['tcp://127.255.3.4:0', { scheme: 'tcp', host: '127.255.3.4', port: 0 }],
    ['tcp://localhost:65535', { scheme: 'tcp', host: '127.0.0.1', port: 65_535 }],
    ['tcp://LOCALHOST:1', { scheme: 'tcp', host: '127.0.0.1', port: 1 }],
    ['tcp://[::1]:80', { scheme: 'tcp', host: '::1', port: 80 }],
    ['ipc://mirror-1', { scheme: 'ipc', name: 'mirror-1' }],
    ['tls://mirror.example.org:7400', { scheme: 'tls', host: 'mirror.example.org', port: 7400 }],
    ['tls://0.0.0.0:0', { scheme: 'tls', host: '0.0.0.0', port: 0 }],
    ['tls://[FD00::1]:7400', { scheme: 'tls', host: 'fd00::1', port: 7400 }],
    ['memory://a.b_c-D', { scheme: 'memory', name: 'a.b_c-D' }],
    [`ipc://${'n'.repeat(64)}`, { scheme: 'ipc', name: 'n'.repeat(64) }],
  ])('%s leads where it says', (address, expected) => {
    expect(parseAddress(address)).toEqual(expected);
  });

  it.each([
    ['', 'it has no scheme'],
    ['127.0.0.1:7777', 'it has no scheme'],
    ['http://127.0.0.1:80', 'not known'],
    ['TCP://127.0.0.1:80', 'not known'],
    ['tcp://127.0.0.1', 'host and a port'],
    ['tcp://127.0.0.1:', 'host and a port'],
    ['tcp://:80', 'host and a port'],
    ['tcp://127.0.0.1:port', 'host and a port'],
    ['tcp://127.0.0.1:80/path', 'host and a port'],
    ['tcp://user@127.0.0.1:80', 'host and a port'],
    ['tcp://::1:80', 'host and a port'],
    ['tcp://127.0.0.1:65536', 'over 65535'],
    ['tcp://0.0.0.0:80', 'reaches only this machine'],
    ['tcp://192.168.1.5:80', 'reaches only this machine'],
    ['tcp://128.0.0.1:80', 'reaches only this machine'],
    ['tcp://127.0.0.256:80', 'reaches only this machine'],
    ['tcp://127.0.0.1.example.org:80', 'reaches only this machine'],
    ['tcp://localhost.example.org:80', 'reaches only this machine'],
    ['tcp://[::]:80', 'reaches only this machine'],
    ['tcp://[::ffff:192.168.1.5]:80', 'reaches only this machine'],
    ['tls://host', 'host and a port'],
    ['tls://host:7400/path', 'host and a port'],
    ['tls://user@host:7400', 'host and a port'],
    ['tls://host:65536', 'over 65535'],
    ['ipc://', 'a name is'],
    ['ipc://../up', 'a name is'],
    ['ipc://a/b', 'a name is'],
    ['ipc://.hidden', 'a name is'],
    ['ipc://a\u0000b', 'a name is'],
    [`ipc://${'n'.repeat(65)}`, 'a name is'],
    ['memory://sp ace', 'a name is'],
  ])('%j is refused: %s', (address, why) => {
    let fault: unknown;
    try {
      parseAddress(address);
    } catch (error) {
      fault = error;
    }
    expect(isFault(fault, 'address-invalid') && fault.message).toContain(why);
  });

  it('choose the carrier by their scheme', async () => {
    const transports = createTransports({ ipcFolder: '/nonexistent/folder' });
    for (const address of ['memory://nobody', 'ipc://nobody']) {
      await expect(transports.connect(address)).rejects.toMatchObject({ code: 'link-refused' });
    }
    await using listener = await transports.listen('tcp://127.0.0.1:0', () => undefined);
    expect(listener.address).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9][0-9]*$/);
    await using memory = await transports.listen('memory://x', () => undefined);
    expect(memory.address).toBe('memory://x');
    await using link = await transports.connect('memory://x');
    expect(link.remote).toBe('memory://x');
    await expect(transports.connect('udp://x')).rejects.toMatchObject({ code: 'address-invalid' });
    // Without an identity there is no TLS.
    await expect(transports.connect('tls://127.0.0.1:7400')).rejects.toMatchObject({ code: 'address-invalid' });
    await expect(transports.connect('tcp://127.0.0.1:0')).rejects.toMatchObject({ code: 'address-invalid' });
  });
});
