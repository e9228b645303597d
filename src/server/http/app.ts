/** The web framework with everything that is the same for all routes: the gate, limits of size and time, headers, errors. */
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { Patience } from '../context.ts';
import type { Gate } from './gate.ts';
import { PAGE_TAG } from '../contracts/page.ts';
import { problemHeaders, problemOf, requestError } from './problem.ts';
import { refuseRequest, type HeadLimits } from './refused-request.ts';
import { API_HEADERS } from './security-headers.ts';

/** Of JSON. Data has no limit: it is not kept. */
const BODY_LIMIT = 2 ** 20;
const HEAD_LIMITS: HeadLimits = { bytes: 16_384, milliseconds: 15_000 };
const KEEP_ALIVE_MS = 30_000;
const MOST_SOCKETS = 1000;
/** How long the rest of a body that nobody wants is taken, so that the client reads the answer instead of an error of its own. */
const LINGER_MS = 2000;
const MAX_PARAM_LENGTH = 1000;

export interface AppOptions {
  readonly gate: Gate;
  readonly patience: Patience;
  readonly isStopping: () => boolean;
  /** Told of each answer; never of secrets: no query, no header. */
  readonly onAnswer: (method: string, path: string, status: number, milliseconds: number) => void;
  /** Told of defects. */
  readonly onDefect: (error: SluiceError) => void;
}

export function createApp(options: AppOptions): FastifyInstance {
  const { gate, patience, isStopping } = options;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    exposeHeadRoutes: false,
    forceCloseConnections: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Uploads take as long as they take; each body has its own limits of time.
    requestTimeout: 0,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    http: { headersTimeout: HEAD_LIMITS.milliseconds, connectionsCheckingInterval: 2000, maxHeaderSize: HEAD_LIMITS.bytes },
    clientErrorHandler: (error, socket) => refuseRequest(error, socket, HEAD_LIMITS),
    frameworkErrors: (error, _request, reply) => answerError(requestError(error, BODY_LIMIT), reply as FastifyReply),
  });
  app.server.maxConnections = MOST_SOCKETS;
  // Without this Node asks for the body before anybody has looked at the headers: `curl -T` would send gigabytes to be refused.
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    request.headers.expect = '100-continue';
    app.server.emit('request', request, response);
  });
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('holder', undefined);
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(API_HEADERS);
    const { contract } = request.routeOptions.config;
    request.holder = gate.admit(request, contract?.access ?? 'viewer', contract?.tag === PAGE_TAG);
    if (isStopping() && contract?.access !== 'public') throw new SluiceError('SERVER_BUSY', { reason: 'it is about to stop' });
  });
  app.addHook('preParsing', async (request, reply, payload) => {
    if (request.headers.expect !== undefined) reply.raw.writeContinue();
    if (request.routeOptions.config.contract?.streamIn !== true) limitTime(request.raw, patience.bodyMs);
    return payload;
  });
  app.addHook('onResponse', async (request, reply) => {
    options.onAnswer(request.method, request.url.split('?', 1)[0], reply.statusCode, reply.elapsedTime);
    lingerOver(request.raw);
  });
  app.setErrorHandler((thrown, _request, reply) => {
    const error = requestError(thrown, BODY_LIMIT);
    if (error.code === 'INTERNAL') options.onDefect(error);
    answerError(error, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    answerError(new SluiceError('ROUTE_UNKNOWN', { method: request.method, path: request.url.split('?', 1)[0].slice(0, 200) }), reply);
  });
  return app;
}

/** Lets a route have the body as it comes, whatever its type. */
export async function withRawBodies(app: FastifyInstance, bind: (inner: FastifyInstance) => void): Promise<void> {
  await app.register(async (inner) => {
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser('*', (_request, _payload, done) => done(null));
    bind(inner);
  });
}

function answerError(error: SluiceError, reply: FastifyReply): void {
  void reply.code(error.httpStatus).headers({ ...API_HEADERS, ...problemHeaders(error) }).send(JSON.stringify(problemOf(error)));
}

function limitTime(request: IncomingMessage, milliseconds: number): void {
  const timer = setTimeout(() => {
    if (!request.complete) request.destroy(new SluiceError('REQUEST_STALLED', { seconds: milliseconds / 1000 }));
  }, milliseconds);
  request.once('close', () => clearTimeout(timer));
}

/** Node takes what is left of a body and drops it; not for ever. */
function lingerOver(request: IncomingMessage): void {
  if (request.complete) return;
  request.resume();
  setTimeout(() => { if (!request.complete) request.socket.destroy(); }, LINGER_MS).unref();
}
