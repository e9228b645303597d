/** OpenAPI 3.1 from the contracts. */
import { z } from 'zod';
import { problem } from './contracts/common.ts';
import type { RouteContract } from './contracts/route-contract.ts';

type Json = Record<string, unknown>;

const PROBLEM = { description: 'An error', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };

export function describeApi(contracts: readonly RouteContract[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const contract of contracts) (paths[contract.path] ??= {})[contract.method.toLowerCase()] = operation(contract);
  return {
    openapi: '3.1.0',
    info: { title: 'Sluice', version, description: 'Moves tables of any size between files and databases. Errors are application/problem+json with the codes of docs/errors.md.' },
    paths,
    components: {
      schemas: { Problem: schemaOf(problem, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operation(contract: RouteContract): Json {
  const { id, summary, description, tag, access, body, streamIn, success, idempotent } = contract;
  const parameters = [...parametersOf(contract.params, 'path'), ...parametersOf(contract.query, 'query'), ...(idempotent === true ? [idempotencyKey()] : [])];
  const requestBody = streamIn === true ? { required: true, content: { '*/*': { schema: {} }, 'multipart/form-data': { schema: { type: 'object' } } } }
    : body === undefined ? undefined : { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } };
  return {
    operationId: id, summary, tags: [tag],
    ...(description === undefined ? {} : { description }),
    security: access === 'public' ? [] : [{ token: [] }],
    ...(access === 'public' ? {} : { 'x-role': access }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { [String(success.status)]: answer(success), default: PROBLEM },
  };
}

function answer({ description, body, mediaTypes }: RouteContract['success']): Json {
  const types = mediaTypes ?? (body === undefined ? [] : ['application/json']);
  if (types.length === 0) return { description };
  return { description, content: Object.fromEntries(types.map((type) => [type, body === undefined || type !== 'application/json' ? {} : { schema: schemaOf(body, 'output') }])) };
}

function parametersOf(schema: z.ZodObject | undefined, place: 'path' | 'query'): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, { description, ...value }]) => ({
    name, in: place, required: place === 'path' || required.includes(name), schema: value, ...(description === undefined ? {} : { description }),
  }));
}

function idempotencyKey(): Json {
  return { name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', minLength: 1, maxLength: 200 }, description: 'The same key starts nothing a second time for a day' };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}
