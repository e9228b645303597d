import { z } from 'zod';
import { targetSettings } from './monitor.ts';
import { route } from './route-contract.ts';

export const health = route({
  id: 'health', method: 'GET', path: '/healthz', access: 'public', tag: 'system',
  summary: 'Whether the process answers',
  success: { status: 200, description: 'It does', body: z.object({ status: z.literal('ok') }) },
});

export const readiness = route({
  id: 'readiness', method: 'GET', path: '/readyz', access: 'public', tag: 'system',
  summary: 'Whether the server takes work; 503 while it stops',
  success: { status: 200, description: 'It does', body: z.object({ status: z.literal('ready') }) },
});

export const metrics = route({
  id: 'metrics', method: 'GET', path: '/metrics', access: 'viewer', tag: 'system',
  summary: 'Metrics in the text format of Prometheus',
  success: { status: 200, description: 'Metrics', mediaTypes: ['text/plain; version=0.0.4'] },
});

export const description = route({
  id: 'description', method: 'GET', path: '/api/v1/openapi.json', access: 'viewer', tag: 'system',
  summary: 'This description (OpenAPI 3.1)',
  success: { status: 200, description: 'The document', body: z.record(z.string(), z.unknown()) },
});

const settings = z.object({
  jobs: z.int().min(1).max(64).describe('Parts moved at once by a run'),
  maxRuns: z.int().min(1).max(64).describe('Runs at once; others wait'),
  connectionsPerDatabase: z.int().min(3).max(1000).describe('All runs together, for each database'),
  targets: targetSettings,
});
export type ServerSettings = z.infer<typeof settings>;

const settingsAnswer = settings.extend({
  version: z.string(),
  files: z.array(z.string()).describe('Folders whose files runs may read and write'),
  urls: z.boolean().describe('Whether runs may read http(s) addresses'),
});

export const showSettings = route({
  id: 'showSettings', method: 'GET', path: '/api/v1/settings', access: 'viewer', tag: 'system',
  summary: 'Settings of the server',
  success: { status: 200, description: 'Settings', body: settingsAnswer },
});

export const changeSettings = route({
  id: 'changeSettings', method: 'PATCH', path: '/api/v1/settings', access: 'admin', tag: 'system',
  summary: 'Change settings; for runs that start from now on',
  body: settings.partial().strict(),
  success: { status: 200, description: 'All settings', body: settingsAnswer },
});

export const systemContracts = [health, readiness, metrics, description, showSettings, changeSettings] as const;
