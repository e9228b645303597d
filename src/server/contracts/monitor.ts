/** How well runs do: performance targets, trends, and what somebody should look at. */
import { z } from 'zod';
import { count, cursor, page, runId, time } from './common.ts';
import { route } from './route-contract.ts';

export const jobName = z.enum(['import', 'export', 'copy', 'backup', 'restore', 'verify']);
export const runStatus = z.enum(['running', 'done', 'failed', 'cancelled', 'interrupted']);

export const targetResult = z.object({
  name: z.enum(['seconds', 'peakRssBytes', 'rowsPerSecond', 'bytesPerSecond']).describe('Of the first two at most `wanted` is to be measured, of the others at least'),
  wanted: z.number(), measured: z.number(), met: z.boolean(),
});

export const figures = z.object({
  seconds: z.number(), rows: z.number().describe('Written'), rejected: z.number(), bytes: z.number(),
  peakRssBytes: z.number().describe('Of the whole server while the run lasted'), targets: z.array(targetResult),
});

const limit = z.number().positive().optional();
const performanceTarget = z.strictObject({
  seconds: limit.describe('At most, for 10,000 records; more may take as much longer'),
  peakBytes: limit.describe('At most, resident memory; where the embedded engine is in use its own limit comes on top'),
  rowsPerSecond: limit.describe('At least, of runs with 10,000 records and more'),
  bytesPerSecond: limit.describe('At least, of runs with 50 MB and more'),
});

export const targetSettings = z.partialRecord(jobName, performanceTarget).describe('By kind of job; what is left out of a kind is not checked, and a kind that is left out has the defaults');

const point = z.object({
  run: z.string(), job: jobName, startedAt: time, endedAt: time.nullable(), from: z.string().nullable(), to: z.string().nullable(),
  seconds: z.number(), rows: z.number(), rejected: z.number(), bytes: z.number(), rowsPerSecond: z.number(), bytesPerSecond: z.number(), peakRssBytes: z.number(),
  missed: z.array(z.string()).describe('Names of targets'),
});

export const showHistory = route({
  id: 'showHistory', method: 'GET', path: '/api/v1/history', access: 'viewer', tag: 'monitor',
  summary: 'Runs that are done with their rates, for trends, newest first',
  query: z.object({ job: jobName.optional(), since: z.coerce.number().int().min(0).optional().describe('Milliseconds since 1970'), cursor: cursor.optional(), limit: count(1, 1000).default(200) }),
  success: { status: 200, description: 'A page', body: page(point) },
});

const alert = z.object({
  run: z.string(), job: jobName, status: runStatus, at: time,
  missed: z.array(targetResult).describe('Targets that the run missed'),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  acknowledgedAt: time.nullable(), acknowledgedBy: z.string().nullable(),
});

export const listAlerts = route({
  id: 'listAlerts', method: 'GET', path: '/api/v1/alerts', access: 'viewer', tag: 'monitor',
  summary: 'Runs that failed or missed a performance target, newest first',
  query: z.object({ state: z.enum(['open', 'all']).default('open'), cursor: cursor.optional(), limit: count(1, 200).default(50) }),
  success: { status: 200, description: 'A page', body: page(alert).extend({ open: z.int().describe('How many nobody has acknowledged') }) },
});

export const acknowledgeAlert = route({
  id: 'acknowledgeAlert', method: 'POST', path: '/api/v1/alerts/{run}/acknowledge', access: 'operator', tag: 'monitor',
  summary: 'Say that somebody has seen to it',
  params: z.object({ run: runId }),
  success: { status: 200, description: 'How many are left', body: z.object({ open: z.int() }) },
});

export const monitorContracts = [showHistory, listAlerts, acknowledgeAlert] as const;
