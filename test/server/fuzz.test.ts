/** The description of the API, taken at its word and against it: whatever is sent, no answer is a failure of the server, and nobody comes in. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_CONTRACTS } from '../../src/server/contracts/all-contracts.ts';
import { startTestServer, type TestServer } from './support.ts';

interface Schema { type?: string; enum?: unknown[]; properties?: Record<string, Schema>; required?: string[]; items?: Schema; anyOf?: Schema[]; oneOf?: Schema[]; const?: unknown; minimum?: number; maximum?: number }
interface Operation {
  parameters?: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

let server: TestServer;
let paths: Record<string, Record<string, Operation>>;
beforeAll(async () => {
  server = await startTestServer();
  ({ paths } = (await server.json<{ paths: typeof paths }>('/api/v1/openapi.json')).body);
});
afterAll(() => server.end());

const odd = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constantFrom('', '\0', '../../etc/passwd', '%00', `' OR 1=1 --`, '${HOME}', '__proto__', '9'.repeat(400), '-1', 'NaN', 'duckdb', 'a'.repeat(5000)));

/** Mostly what a schema asks for, sometimes something else. */
function valueOf(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const fitting = (): fc.Arbitrary<unknown> => {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return fc.oneof(...choices.map((one) => valueOf(one, depth + 1)));
    switch (schema.type) {
      case 'integer': return fc.integer({ min: Math.max(schema.minimum ?? -10, -10), max: Math.min(schema.maximum ?? 1000, 1000) });
      case 'number': return fc.double();
      case 'boolean': return fc.boolean();
      case 'array': return fc.array(valueOf(schema.items ?? {}, depth + 1), { maxLength: 3 });
      case 'object': {
        const members = Object.entries(schema.properties ?? {});
        return fc.record(Object.fromEntries(members.map(([name, inner]) => [name, valueOf(inner, depth + 1)])), { requiredKeys: schema.required ?? [] });
      }
      default: return odd;
    }
  };
  return fc.oneof({ weight: 8, arbitrary: fitting() }, { weight: 1, arbitrary: odd }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) });
}

function requestOf(path: string, method: string, operation: Operation): fc.Arbitrary<{ url: string; init: RequestInit }> {
  const parameters = (operation.parameters ?? []).filter((one) => one.in !== 'header');
  const values = fc.record(Object.fromEntries(parameters.map((one) => [one.name, one.required ? valueOf(one.schema) : fc.option(valueOf(one.schema), { nil: undefined })])));
  const json = operation.requestBody?.content['application/json']?.schema;
  const body = json !== undefined ? valueOf(json).map((value) => JSON.stringify(value)) : operation.requestBody === undefined ? fc.constant(undefined) : odd;
  return fc.tuple(values, body).map(([given, text]) => {
    const written = (value: unknown): string => encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value) ?? '').toWellFormed());
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => written(given[name]) || 'x');
    const query = parameters.filter((one) => one.in === 'query' && given[one.name] !== undefined).map((one) => `${one.name}=${written(given[one.name])}`).join('&');
    return { url: `${filled}${query === '' ? '' : `?${query}`}`, init: { method: method.toUpperCase(), ...(text === undefined ? {} : { body: text.toWellFormed(), headers: { 'content-type': json === undefined ? 'text/csv' : 'application/json' } }) } };
  });
}

describe('the API, fuzzed from its own description', () => {
  // Streams of events do not end, and the settings are needed as they are.
  const contracts = ALL_CONTRACTS.filter(({ id }) => id !== 'allEvents' && id !== 'changeSettings');

  it.each(contracts.map(({ id, path, method, access }) => [id, path, method.toLowerCase(), access] as const))('%s never fails, and lets nobody in', { timeout: 60_000 }, async (_, path, method, access) => {
    let sent = 0;
    await fc.assert(fc.asyncProperty(requestOf(path, method, paths[path][method]), async ({ url, init }) => {
      // A path of dots is another path before it is sent.
      if (new URL(url, server.url).pathname.split('/').length !== path.split('/').length) return;
      if (access !== 'public') {
        const stranger = await server.ask(url, { ...init, as: null });
        await stranger.body?.cancel();
        expect([400, 401, 403, 414, 429, 431]).toContain(stranger.status);
      }
      // The next token before one is used up.
      if (++sent % 20 === 0) await new Promise((resolve) => { setTimeout(resolve, 100); });
      const response = await server.ask(url, { ...init, as: 'admin' });
      const text = await response.text();
      expect({ url, status: response.status, text: response.status < 500 ? '' : text }).toEqual({ url, status: expect.toSatisfy((status: number) => status < 500 && (status < 400 || text.includes('"code"'))) as number, text: '' });
    }), { numRuns: 25 });
  });
});
