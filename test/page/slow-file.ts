/** A file at an address that comes as slowly as a test wants. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class SlowFile {
  readonly #server: Server;
  readonly #waiting = new Set<ServerResponse>();
  readonly #head: string;
  readonly #rest: string;
  #isReleased = false;

  /** @param head comes at once, the rest when it is released */
  constructor(head: string, rest: string) {
    this.#head = head;
    this.#rest = rest;
    this.#server = createServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv', 'content-length': Buffer.byteLength(head) + Buffer.byteLength(rest) });
      if (request.method === 'HEAD') {
        response.end();
        return;
      }
      response.write(this.#head);
      if (this.#isReleased) response.end(this.#rest);
      else this.#waiting.add(response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/slow.csv`;
  }

  release(): void {
    this.#isReleased = true;
    for (const response of this.#waiting) response.end(this.#rest);
    this.#waiting.clear();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
