/** Binds handlers to contracts: what a handler gets has passed the gate and the contract's schemas. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { AnswerOf, BodyOf, ParamsOf, QueryOf, RouteContract } from '../contracts/route-contract.ts';
import type { Holder } from '../store/credentials.ts';

export interface Call<C extends RouteContract> {
  readonly params: ParamsOf<C>;
  readonly query: QueryOf<C>;
  readonly body: BodyOf<C>;
  /** Whoever asks; the gate lets nobody else through where a role is needed. */
  readonly holder: C['access'] extends 'public' ? undefined : Holder;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What it answers is the body; `streamed` when it has written the answer itself. */
export type Handler<C extends RouteContract> = (call: Call<C>) => Promise<AnswerOf<C> | typeof STREAMED> | AnswerOf<C> | typeof STREAMED;

/** The handler has taken the answer over. */
export const STREAMED: unique symbol = Symbol('streamed');

declare module 'fastify' {
  interface FastifyContextConfig {
    contract?: RouteContract;
  }
  interface FastifyRequest {
    holder: Holder | undefined;
  }
}

export class Router {
  readonly #app: FastifyInstance;
  readonly #bound: Set<string>;

  constructor(app: FastifyInstance, bound = new Set<string>()) {
    this.#app = app;
    this.#bound = bound;
  }

  /** The same for a part of the app. */
  within(inner: FastifyInstance): Router {
    return new Router(inner, this.#bound);
  }

  bind<C extends RouteContract>(contract: C, handler: Handler<C>): void {
    this.#bound.add(contract.id);
    this.#app.route({
      method: contract.method,
      url: contract.path.replace(/\{rest\}$/, '*').replace(/\{(\w+)\}/g, ':$1'),
      config: { contract },
      handler: async (request, reply) => {
        const answer = await handler({
          params: parsed(contract.params, request.params, 'the path'),
          query: parsed(contract.query, request.query, 'the query'),
          body: contract.streamIn === true ? undefined : parsed(contract.body, request.body, 'the body'),
          holder: request.holder,
          request,
          reply,
        } as Call<C>);
        if (answer === STREAMED) return reply;
        if (!reply.sent) await reply.code(contract.success.status).send(answer === undefined ? null : answer);
        return reply;
      },
    });
  }

  /** @throws Error for a contract without a handler */
  checkComplete(contracts: readonly RouteContract[]): void {
    const missing = contracts.filter(({ id }) => !this.#bound.has(id));
    if (missing.length > 0) throw new SluiceError('INTERNAL', { reason: `routes without a handler: ${missing.map(({ id }) => id).join(', ')}` });
  }
}

/** @throws SluiceError REQUEST_INVALID that names the first thing that is wrong */
function parsed(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue.path.map(String).join('.');
  throw new SluiceError('REQUEST_INVALID', { what: `${place === '' ? where : `${place} in ${where}`}: ${issue.message}`.slice(0, 500) });
}
