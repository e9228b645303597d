/** Asks the API, typed by the contracts of the server: `ask<typeof listRuns>('GET', '/api/v1/runs', { query: { limit: 5 } })`. */
import type { z } from 'zod';
import type { AnswerOf, RouteContract } from '../../../src/server/contracts/route-contract.ts';
import type { Problem } from './types.ts';

type Input<T> = T extends z.ZodType ? z.input<T> : undefined;

export interface Asked<C extends RouteContract> {
  readonly params?: Input<C['params']>;
  readonly query?: Input<C['query']>;
  readonly body?: Input<C['body']>;
  readonly signal?: AbortSignal | undefined;
  /** The same key starts nothing a second time. */
  readonly key?: string;
}

/** A problem as the server tells it, or `OFFLINE` when it could not be reached. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }
}

/** Told when the session is over, wherever that shows. */
let onSignedOut: () => void = () => {};
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** @throws ApiError */
export async function ask<C extends RouteContract>(method: C['method'], path: C['path'], { params, query, body, signal, key }: Asked<C> = {}): Promise<AnswerOf<C>> {
  const response = await send(addressOf(path, params, query), {
    method, ...(signal === undefined ? {} : { signal }),
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(key === undefined ? {} : { 'idempotency-key': key }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return await answerOf(response) as AnswerOf<C>;
}

/** @throws ApiError */
export async function send(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, { ...init, credentials: 'same-origin', redirect: 'error' });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError(OFFLINE);
  }
}

/** @throws ApiError */
export async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const answer: unknown = text === '' ? undefined : parse(text);
  if (response.ok) return answer;
  const problem = isProblem(answer) ? answer : { ...OFFLINE, status: response.status, detail: `The server answered ${response.status} and did not say why`, code: 'UNEXPECTED_ANSWER' };
  if (problem.code === 'SIGN_IN_NEEDED') onSignedOut();
  throw new ApiError(problem);
}

export function addressOf(path: string, params: object = {}, query: object = {}): string {
  const values = params as Record<string, string>;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== null && one !== '') search.append(name, String(one));
  }
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { ...OFFLINE, code: 'PAGE_FAILED', title: 'the page failed', detail: error instanceof Error ? error.message : String(error), hint: 'Reload the page. What runs on the server is not concerned.', retryable: false };
}

const OFFLINE: Problem = {
  type: 'urn:sluice:error:OFFLINE', title: 'the server cannot be reached', status: 0, detail: 'The server does not answer', code: 'OFFLINE',
  hint: 'It may be starting again. This page tries again by itself; if it stays so, look at where `sluice serve` runs.', at: {}, retryable: true,
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value;
}
