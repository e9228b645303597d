/**
 * A TCP proxy before a PostgreSQL server that knows what the client makes durable, and does something at a chosen moment: when the nth statement of a kind
 * is about to be sent on, or when it is done and its answer has come but nobody has heard of it. So a durability boundary can be hit exactly, without a
 * line about it in the program itself.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Moment } from './moment.ts';
import { WireLabels } from './wire-labels.ts';

export class CuttingProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #seen = new Map<string, number>();
  #moment: Moment | undefined;
  #text: { readonly text: RegExp; readonly when: 'before' | 'sent' } | undefined;
  #act: () => void = () => {};
  #firstAt: number | undefined;

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

  /** How often each kind of statement came since `arm`. */
  get seen(): ReadonlyMap<string, number> {
    return this.#seen;
  }

  /** When the first connection since `arm` was opened (performance.now()). */
  get firstAt(): number | undefined {
    return this.#firstAt;
  }

  arm(moment?: Moment, act: () => void = () => {}): void {
    this.#moment = moment;
    this.#text = undefined;
    this.#act = act;
    this.#seen = new Map();
    this.#firstAt = undefined;
  }

  /** Acts at the first message that has this text: before it is sent on, or when it is on its way and no answer has come. */
  armText(text: RegExp, when: 'before' | 'sent', act: () => void): void {
    this.arm(undefined, act);
    this.#text = { text, when };
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
    this.#firstAt ??= performance.now();
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
    const labels = new WireLabels();
    let onAnswer: (() => void) | undefined;
    server.on('data', (bytes) => {
      if (onAnswer !== undefined) return onAnswer();
      if (!client.destroyed && !client.write(bytes)) pauseUntilDrained(server, client);
    });
    client.on('data', (bytes) => {
      const message = bytes.toString('latin1');
      const due = this.#isDue(labels.of(message)) ?? this.#isTextDue(message);
      if (due === 'before') return this.#act();
      if (due === 'behind') onAnswer = this.#act;
      if (due === 'sent') setImmediate(this.#act);
      if (!server.destroyed && !server.write(bytes)) pauseUntilDrained(client, server);
    });
  }

  #isTextDue(message: string): 'before' | 'sent' | undefined {
    const wanted = this.#text;
    if (wanted === undefined || !wanted.text.test(message)) return undefined;
    this.#text = undefined;
    return wanted.when;
  }

  #isDue(label: string | undefined): Moment['when'] | undefined {
    if (label === undefined) return undefined;
    const nth = (this.#seen.get(label) ?? 0) + 1;
    this.#seen.set(label, nth);
    const moment = this.#moment;
    if (moment?.label !== label || moment.nth !== nth) return undefined;
    this.#moment = undefined;
    return moment.when;
  }
}

function pauseUntilDrained(from: Socket, to: Socket): void {
  from.pause();
  to.once('drain', () => from.resume());
}
