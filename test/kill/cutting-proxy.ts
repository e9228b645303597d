/**
 * A TCP proxy before a PostgreSQL server that watches what the client says, and does something at a chosen moment: when the nth message with a given text
 * is about to be sent on, or when it has been sent on and its answer comes. So a durability boundary (a COMMIT, an entry of the ledger) can be hit exactly, without a
 * line about it in the program itself.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Moment {
  /** Counted over all connections, from 1. */
  readonly nth: number;
  readonly text: RegExp;
  /** `sent`: the server has it, and its answer is held back. */
  readonly when: 'before' | 'sent';
}

export class CuttingProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #moment: (Moment & { act: () => void }) | undefined;
  #seen = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#serve(client));
  }

  static async open(target: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Messages that have matched since. */
  get seen(): number {
    return this.#seen;
  }

  arm(moment: Moment | undefined, act: () => void = () => {}): void {
    this.#moment = moment === undefined ? undefined : { ...moment, act };
    this.#seen = 0;
  }

  /** Ends all connections, without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        (socket === client ? server : client).destroy();
      });
    }
    let isHeld = false;
    server.on('data', (bytes) => {
      if (!isHeld && !client.destroyed && !client.write(bytes)) pauseUntilDrained(server, client);
    });
    client.on('data', (bytes) => {
      const moment = this.#moment;
      if (moment !== undefined && moment.text.test(bytes.toString('latin1')) && ++this.#seen === moment.nth) {
        this.#moment = undefined;
        if (moment.when === 'sent') {
          isHeld = true;
          server.write(bytes);
          // The server does its work while nobody hears of it.
          setTimeout(moment.act, 150);
          return;
        }
        moment.act();
        return;
      }
      if (!server.destroyed && !server.write(bytes)) pauseUntilDrained(client, server);
    });
  }
}

function pauseUntilDrained(from: Socket, to: Socket): void {
  from.pause();
  to.once('drain', () => from.resume());
}
