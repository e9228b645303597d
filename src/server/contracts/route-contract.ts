/**
 * A route as data: what it is called, who may call it, what goes in and what comes out. Handlers are bound to it (bind-routes.ts), the description of the API is
 * made from it (openapi.ts), the page is typed by it, and tests go through all of them, so that no route can be forgotten anywhere.
 *
 * Only zod and types may be imported in this folder: it runs in browsers, too.
 */
import type { z } from 'zod';

export type Role = 'viewer' | 'operator' | 'admin';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RouteContract {
  readonly id: string;
  readonly method: Method;
  /** With `{name}` for parameters. */
  readonly path: string;
  /** `public`: without a token. */
  readonly access: Role | 'public';
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body is data that is read while it arrives. */
  readonly streamIn?: true;
  /** May be sent again with the same Idempotency-Key. */
  readonly idempotent?: true;
  readonly success: {
    readonly status: number;
    readonly description: string;
    /** JSON; absent where there is no body, or another one. */
    readonly body?: z.ZodType;
    readonly mediaTypes?: readonly string[];
  };
}

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined;

export type ParamsOf<C extends RouteContract> = Parsed<C['params']>;
export type QueryOf<C extends RouteContract> = Parsed<C['query']>;
export type BodyOf<C extends RouteContract> = Parsed<C['body']>;
export type AnswerOf<C extends RouteContract> = C['success']['body'] extends z.ZodType ? z.input<C['success']['body']> : void;

/** Keeps the exact types of a contract. */
export function route<const C extends RouteContract>(contract: C): C {
  return contract;
}
