import { type CancelTimer, type Clock, isFault } from '../../base/index.ts';
import { type CertificateFiles, readCertificate } from './certificate.ts';
import type { Certificate } from './web-server.ts';
import { certificateLookMs } from './limits.ts';

interface Watched {
  readonly files: CertificateFiles;
  readonly onRenewed: (certificate: Certificate) => void;
  current: string | undefined;
  /** Why the files could not be used at the last look. */
  fault: string | undefined;
}

/** Takes up certificates that were renewed in their files. Until the new ones are whole, the old ones are shown. */
export class CertificateWatch {
  readonly #clock: Clock;
  readonly #tell: (text: string) => void;
  readonly #watched = new Map<string, Watched>();
  #cancel: CancelTimer | undefined;
  #isClosed = false;

  /** `tell` hears of files that cannot be used. */
  constructor(parts: { clock: Clock; tell: (text: string) => void }) {
    this.#clock = parts.clock;
    this.#tell = parts.tell;
    this.#lookLater();
  }

  watch(address: string, files: CertificateFiles, onRenewed: (certificate: Certificate) => void): void {
    this.#watched.set(address, { files, onRenewed, current: undefined, fault: undefined });
  }

  forget(address: string): void {
    this.#watched.delete(address);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#clock.setTimer(certificateLookMs, () => {
      void this.#lookAtAll().finally(() => {
        this.#lookLater();
      });
    });
  }

  async #lookAtAll(): Promise<void> {
    for (const [address, watched] of this.#watched) await this.#look(address, watched);
  }

  async #look(address: string, watched: Watched): Promise<void> {
    try {
      const certificate = await readCertificate(watched.files);
      watched.fault = undefined;
      const read = `${certificate.cert}${certificate.key}`;
      if (read !== watched.current && this.#watched.get(address) === watched) watched.onRenewed(certificate);
      watched.current = read;
    } catch (fault) {
      if (!isFault(fault)) throw fault;
      if (fault.message === watched.fault) return;
      watched.fault = fault.message;
      this.#tell(`The certificate that is shown at ${address} cannot be renewed. ${fault.message}`);
    }
  }
}
