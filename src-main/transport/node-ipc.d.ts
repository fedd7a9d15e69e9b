/** The part of node-ipc 14 that the ipc transport uses; the package ships no types. */
declare module 'node-ipc' {
  import type { Server as NetServer, Socket } from 'node:net';

  export interface IpcConfig {
    appspace: string;
    socketRoot: string;
    id: string;
    silent: boolean;
    rawBuffer: boolean;
    unlink: boolean;
    secureSocketRoot: boolean;
    maxConnections: number;
    maxRetries: number;
    stopRetrying: boolean;
    logger: (text: string) => void;
  }

  export interface IpcServer {
    /** The net.Server, once started. */
    readonly server: NetServer | false;
    on(type: 'start', handler: () => void): this;
    on(type: 'connect', handler: (socket: Socket) => void): this;
    on(type: 'error', handler: (error: Error) => void): this;
    start(): void;
  }

  export interface IpcClient {
    readonly socket: Socket;
    on(type: 'connect' | 'disconnect', handler: () => void): this;
    on(type: 'error', handler: (error: Error) => void): this;
  }

  export class IPCModule {
    readonly config: IpcConfig;
    readonly of: Record<string, IpcClient | undefined>;
    readonly server: IpcServer;
    serve(path: string, started?: () => void): void;
    connectTo(id: string, path: string, called?: () => void): void;
    disconnect(id: string): void;
  }
}
