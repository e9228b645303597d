/**
 * Server-sent events at the pace of each client: what waits for a slow one is not queued here but read anew from the hub, where newer events have replaced older ones. Ends when the run has
 * ended, the client goes away, or the server stops; a browser then comes back with Last-Event-ID.
 */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { EventHub } from '../runs/event-hub.ts';
import { API_HEADERS } from './security-headers.ts';

const MOST_LISTENERS = 200;
/** Of one token or session: a tab has one. */
const MOST_LISTENERS_EACH = 40;
/** Events come many times a second; people do not need them faster. */
const GATHER_MS = 200;
/** So that proxies keep the connection, and clients that are gone are noticed. */
const HEARTBEAT_MS = 15_000;
/** So long may be heard after a token was revoked. */
const CHECK_MS = 5000;
const RETRY_MS = 2000;

export interface Listener {
  /** Whose token or session it is. */
  readonly holder: string;
  readonly mayListen: () => boolean;
  readonly lastId: number;
  /** Of one run only. */
  readonly run?: string;
}

/** @throws SluiceError SERVER_BUSY */
export async function streamEvents(hub: EventHub, reply: FastifyReply, { holder, mayListen, lastId, run }: Listener): Promise<void> {
  if (hub.listeners >= MOST_LISTENERS || hub.listenersOf(holder) >= MOST_LISTENERS_EACH) throw new SluiceError('SERVER_BUSY', { reason: 'too many clients follow events already' });
  reply.hijack();
  const { raw } = reply;
  const gone = new AbortController();
  let wake = Promise.withResolvers<void>();
  const leave = (): void => {
    gone.abort();
    wake.resolve();
  };
  raw.once('close', leave);
  const stopListening = hub.listen(holder, () => wake.resolve());
  const heartbeat = setInterval(() => { if (!raw.writableNeedDrain) raw.write(': still here\n\n'); }, HEARTBEAT_MS);
  const check = setInterval(() => { if (!mayListen()) leave(); }, CHECK_MS);
  const write = async (text: string): Promise<void> => {
    if (!raw.destroyed && !raw.write(text)) await once(raw, 'drain', { signal: gone.signal }).catch(() => undefined);
  };
  try {
    raw.writeHead(200, { ...API_HEADERS, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    await write(`retry: ${RETRY_MS}\n\n`);
    for (let last = lastId; !gone.signal.aborted; ) {
      wake = Promise.withResolvers<void>();
      const events = hub.since(last, run);
      for (const { id, type, data } of events) {
        await write(`id: ${id}\nevent: ${type}\ndata: ${data}\n\n`);
        last = id;
        if (gone.signal.aborted) break;
      }
      if (hub.isClosed || (run !== undefined && hub.isEnded(run))) break;
      await wake.promise;
      await pause(hub.isClosed ? 0 : GATHER_MS, undefined, { signal: gone.signal }).catch(() => undefined);
    }
  } finally {
    stopListening();
    clearInterval(heartbeat);
    clearInterval(check);
    raw.end();
  }
}
