/** One GET with redirects, time-outs and coded errors; nothing of a URL but host and path reaches a name or an error. */
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { hasSystemCode, SluiceError } from '../errors/sluice-error.ts';
import { cancellationOf, throwIfCancelled } from './cancellation.ts';
import { redactUrl } from './names.ts';

export interface HttpLimits {
  /** Until the connection, with TLS, stands. */
  readonly connectMs: number;
  /** Without a byte while one is waited for. */
  readonly stallMs: number;
  /** A connection that nobody reads is closed after this time and the rest is requested later; servers do not wait for ever. */
  readonly idleMs: number;
  /** Pauses before the attempts to go on after a broken connection. */
  readonly retryMs: readonly number[];
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = { connectMs: 30_000, stallMs: 60_000, idleMs: 30_000, retryMs: [500, 2_000, 5_000] };

const MAX_REDIRECTS = 5;

export interface HttpAnswer {
  readonly response: IncomingMessage;
  /** Where the redirects led. */
  readonly url: URL;
}

export interface HttpRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly limits: HttpLimits;
  readonly signal: AbortSignal;
}

/** The answer with its body unread; any status but a redirect. @throws SluiceError HTTP_SOURCE_FAILED, CANCELLED */
export async function requestFollowing(request: HttpRequest): Promise<HttpAnswer> {
  let url = request.url;
  for (let redirects = 0; ; redirects++) {
    const response = await send({ ...request, url });
    const target = redirectTarget(response, url);
    if (target === undefined) return { response, url };
    response.destroy();
    if (redirects === MAX_REDIRECTS) throw httpFailure(request.url, `more than ${MAX_REDIRECTS} redirects`);
    url = target;
  }
}

export function httpFailure(url: URL, reason: string, cause?: unknown): SluiceError {
  const name = redactUrl(url);
  return new SluiceError('HTTP_SOURCE_FAILED', { url: name, reason }, { file: name }, cause);
}

/** What went wrong on the network, in words; Node's own message where there are none (it names hosts and ports, never the URL). */
export function networkReason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return networkReason(error.errors[0]);
  if (hasSystemCode(error, 'ECONNREFUSED')) return 'the connection was refused';
  if (hasSystemCode(error, 'ENOTFOUND', 'EAI_AGAIN')) return 'the host is unknown';
  if (hasSystemCode(error, 'ECONNRESET', 'EPIPE')) return 'the connection was broken';
  return error instanceof Error ? error.message : String(error);
}

function redirectTarget(response: IncomingMessage, from: URL): URL | undefined {
  const { statusCode = 0, headers } = response;
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  if (headers.location === undefined || !URL.canParse(headers.location, from.href)) throw refused(response, from, `${statusCode} without a usable Location`);
  const target = new URL(headers.location, from);
  if (target.protocol !== 'https:' && target.protocol !== from.protocol) {
    throw refused(response, from, `it redirects from ${from.protocol}// to ${target.protocol}//, which is less safe`);
  }
  // Only the same origin gets the user and password again.
  if (target.origin === from.origin && target.username === '') {
    target.username = from.username;
    target.password = from.password;
  }
  return target;
}

function refused(response: IncomingMessage, url: URL, reason: string): SluiceError {
  response.destroy();
  return httpFailure(url, reason);
}

function send(request: HttpRequest): Promise<IncomingMessage> {
  const { url, limits, signal } = request;
  throwIfCancelled(signal);
  const secure = url.protocol === 'https:';
  const options: RequestOptions = { headers: request.headers, agent: agentFor(secure), ...authorization(url) };
  const bare = new URL(url); // the query belongs to the request, user and password only into their header
  bare.username = '';
  bare.password = '';
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? https : http).get(bare, options);
    let timer = setTimeout(() => fail(httpFailure(url, `no connection within ${limits.connectMs / 1000} s`)), limits.connectMs);
    const connected = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => fail(httpFailure(url, `no answer within ${limits.stallMs / 1000} s`)), limits.stallMs);
    };
    const cancel = (): void => fail(cancellationOf(signal));
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
    };
    const fail = (error: SluiceError): void => {
      settle();
      reject(error);
      outgoing.destroy();
    };
    signal.addEventListener('abort', cancel, { once: true });
    outgoing.once('socket', (socket) => (socket.connecting ? socket.once(secure ? 'secureConnect' : 'connect', connected) : connected()));
    outgoing.on('error', (error) => fail(httpFailure(url, networkReason(error), error)));
    outgoing.once('response', (response) => {
      settle();
      resolve(response);
    });
  });
}

function authorization(url: URL): { auth?: string } {
  if (url.username === '' && url.password === '') return {};
  return { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` };
}

/** One connection for one download: a kept-alive one may be closed by the server at the moment it is used again. */
function agentFor(secure: boolean): http.Agent {
  const options = { keepAlive: false, proxyEnv: process.env };
  return secure ? new https.Agent(options) : new http.Agent(options);
}
