/**
 * Opens the socket to a server, up to where the PostgreSQL protocol starts: TCP or Unix socket, the server's answer to the request for
 * TLS, the handshake. pg could do this too, but only with a socket that allocates for every read, and it gives up where libpq's
 * `prefer` goes on without TLS.
 */
import { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ConnectionTarget } from './connection-target.ts';
import { tlsOptions } from './tls.ts';

export type TlsWish = 'no' | 'if-offered' | 'must';

export type ReceiveListener = (bytes: Buffer, count: number) => boolean;

export interface OpenSocket {
  readonly socket: Socket | TLSSocket;
  readonly encrypted: boolean;
  /**
   * Says who gets the bytes from now on: the first `count` of `bytes`. They are valid during the call only; when it answers false,
   * reading is paused, and they stay as they are until `socket.resume()`.
   */
  receive(listener: ReceiveListener): void;
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** One per session. The server flushes every 8 KiB; larger reads happen when we are the slower side. */
const READ_BUFFER_BYTES = 128 * 1024;

/** @throws SluiceError CONNECT_TLS, or the socket's own error */
export async function openSocket(target: ConnectionTarget, wish: TlsWish, signal: AbortSignal): Promise<OpenSocket> {
  const options = wish === 'no' ? undefined : await tlsOptions(target);
  signal.throwIfAborted();
  const plain = new PlainSocket();
  const stop = (): void => void plain.socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await plain.connect(target);
    if (options === undefined) return plain;
    if (!target.sslDirect && !(await plain.asksForTls())) {
      if (wish === 'if-offered') return plain;
      throw new SluiceError('CONNECT_TLS', { address: target.address, reason: 'the server does not offer TLS' });
    }
    const secure = connectTls({ ...options, socket: plain.socket });
    await settled(secure, 'secureConnect').catch((error: unknown) => {
      secure.destroy();
      if (signal.aborted) throw signal.reason;
      throw new SluiceError('CONNECT_TLS', { address: target.address, reason: (error as Error).message }, {}, error);
    });
    return { socket: secure, encrypted: true, receive: (listener) => void secure.on('data', (bytes: Buffer) => listener(bytes, bytes.length) || secure.pause()) };
  } catch (error) {
    plain.socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A socket that reads into one buffer for its whole life. */
class PlainSocket implements OpenSocket {
  readonly encrypted = false;
  readonly socket: Socket;
  #listener: ReceiveListener | undefined;

  constructor() {
    // Node passes `onread` from the constructor on; its types know it for connect() only.
    const options = { onread: { buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES), callback: (count: number, bytes: Buffer): boolean => this.#listener?.(bytes, count) ?? true } };
    this.socket = new Socket(options);
  }

  async connect(target: ConnectionTarget): Promise<void> {
    const { socket } = this;
    const connected = settled(socket, 'connect');
    if (target.host.startsWith('/')) socket.connect(`${target.host}/.s.PGSQL.${target.port}`);
    else socket.connect(target.port, target.host);
    await connected;
    if (!target.host.startsWith('/')) {
      socket.setNoDelay(true);
      // A server that vanished without a word must not leave a run waiting for ever.
      socket.setKeepAlive(true, 30_000);
    }
  }

  /** True: the server goes on with TLS; false: it does not offer it. */
  async asksForTls(): Promise<boolean> {
    const answer = new Promise<number>((resolve) => {
      this.#listener = (bytes) => {
        resolve(bytes[0]);
        return true;
      };
    });
    this.socket.write(SSL_REQUEST);
    const letter = await Promise.race([answer, settled(this.socket, 'close').then(() => 0)]);
    this.#listener = undefined;
    // 'E' is an error message of a server that is full or shutting down; connecting without TLS will show it.
    if (letter === 0) throw Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' });
    return letter === 0x53;
  }

  receive(listener: ReceiveListener): void {
    this.#listener = listener;
  }
}

function settled(socket: Socket, event: 'connect' | 'secureConnect' | 'close'): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      socket.off(event, succeed);
      socket.off('error', done);
      socket.off('close', closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const succeed = (): void => done();
    const closed = (): void => (event === 'close' ? done() : done(Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' })));
    socket.once(event, succeed);
    socket.once('error', done);
    if (event !== 'close') socket.once('close', closed);
  });
}
