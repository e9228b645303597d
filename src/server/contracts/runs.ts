import { z } from 'zod';
import { connectionName, count, cursor, page, runId, sqlText, tableName, time } from './common.ts';
import { figures, jobName, runStatus, targetResult } from './monitor.ts';
import { backupName, repositoryName } from './repositories.ts';
import { route } from './route-contract.ts';

const text = z.string().min(1).max(2000);
const list = z.array(text).max(5000);
const mode = z.enum(['append', 'replace', 'upsert']).default('append');
const format = z.enum(['csv', 'json', 'ndjson', 'parquet', 'sql']);

const read = z.strictObject({
  csv: z.strictObject({ delimiter: z.string().length(1).optional(), quote: z.string().max(1).optional(), escape: z.string().length(1).optional(), header: z.boolean().optional(), nullText: z.string().max(100).optional() }).optional(),
  charset: z.enum(['utf-8', 'utf-16le', 'utf-16be', 'latin1', 'windows-1252']).optional(),
  jsonPath: z.string().max(300).optional(),
  types: z.record(z.string().max(300), z.string().max(100)).optional().describe('By field: bigint, numeric(10,2), timestamptz, text[] …'),
  maxRecordBytes: z.int().min(1).max(2 ** 30).optional(),
});
export type ReadBody = z.infer<typeof read>;

const maxErrors = z.union([z.strictObject({ kind: z.literal('rows'), rows: z.int().min(0) }), z.strictObject({ kind: z.literal('percent'), percent: z.number().min(0).max(100) })]);
const onError = z.enum(['stop', 'quarantine']);
const flag = z.boolean();
const mapping = z.record(z.string().max(300), z.string().max(300));
const parallel = { jobs: z.int().min(1).max(64).optional() };

const importJob = z.strictObject({
  job: z.literal('import'),
  sources: list.min(1).describe('Files and folders below those that the server may use, or http(s) addresses where it may read them'),
  to: connectionName, table: tableName.optional(), mode, key: list.optional(), map: mapping.optional(), columns: list.optional(),
  format: format.optional(), read: read.optional(), onError: onError.optional(), maxErrors: maxErrors.optional(), ...parallel,
});

const exportJob = z.strictObject({
  job: z.literal('export'),
  from: connectionName, to: text.describe('A file or (with / at its end) a folder, below a folder that the server may use'),
  tables: list.optional(), query: sqlText.optional(), where: sqlText.optional(), columns: list.optional(), format: format.optional(),
  compression: z.strictObject({ kind: z.enum(['none', 'gzip', 'zstd']), level: z.int().min(1).max(22).optional() }).optional(),
  overwrite: z.boolean().default(false),
  csv: z.strictObject({ delimiter: z.string().length(1).optional(), header: z.boolean().optional() }).optional(), ...parallel,
});

const copyJob = z.strictObject({
  job: z.literal('copy'),
  from: connectionName, to: connectionName, tables: list.optional(), table: tableName.optional(), mode, key: list.optional(), where: sqlText.optional(), columns: list.optional(), ...parallel,
});

const backupJob = z.strictObject({
  job: z.literal('backup'),
  from: connectionName, repository: repositoryName,
  tables: list.optional().describe('Names and globs of tables whose rows are backed up; default all'), exclude: list.optional(),
  schema: z.boolean().default(true), data: z.boolean().default(true),
  level: z.int().min(0).max(22).optional().describe('Of zstd; 0: nothing is compressed'), ...parallel,
});

const ofFiles = { pick: z.string().max(300).optional(), mapTables: mapping.optional(), disableTriggers: flag.optional(), format: format.optional(), read: read.optional(), onError: onError.optional(), maxErrors: maxErrors.optional() };
const ofBackups = {
  where: sqlText.optional().describe('Rows that meet this condition, of the tables that are named'), dataOnly: flag.optional(), schemaOnly: flag.optional(), mapSchemas: mapping.optional(),
  noOwner: flag.optional(), noPrivileges: flag.optional(), noComments: flag.optional(), noAnalyze: flag.optional(), skipDamaged: flag.optional(),
};

const restoreJob = z.strictObject({
  job: z.literal('restore'),
  repository: repositoryName.optional(), backup: backupName.optional().describe('Of the repository: a name or the beginning of one; default the newest'),
  source: text.optional().describe('Instead of a repository: a file or folder below those that the server may use: an archive of pg_dump, a folder with a file for each table, a document, a dump'),
  to: connectionName, mode: mode.describe('`replace`: what is there is replaced when its replacement is complete'), tables: list.optional(), exclude: list.optional(),
  ...ofFiles, ...ofBackups, ...parallel,
}).refine(({ source, repository, backup }) => (source === undefined) !== (repository === undefined) && (backup === undefined || repository !== undefined), 'must name either a source or a repository (and of that a backup)');

const verifyJob = z.strictObject({
  job: z.literal('verify'),
  repository: repositoryName, backup: backupName.optional().describe('Default: all backups; with `against` the newest'),
  against: connectionName.optional().describe('Compares the backup with this database and says which rows differ; else every chunk is read'),
  tables: list.optional().describe('With `against`: only these'), examples: z.int().min(0).max(100).optional().describe('With `against`: rows shown of each table that differs'),
  percent: z.number().min(0).max(100).optional().describe('Reads so many percent of the chunks, those that waited longest'), ...parallel,
});

export const jobRequest = z.discriminatedUnion('job', [importJob, exportJob, copyJob, backupJob, restoreJob, verifyJob]);
export type JobRequest = z.infer<typeof jobRequest>;

const counts = { read: z.int(), written: z.int(), rejected: z.int(), duplicate: z.int(), skipped: z.int(), bytes: z.number() };

/** As `--json` prints it. */
export const receipt = z.looseObject({
  run: z.string().nullable(),
  job: jobName,
  status: z.enum(['done', 'failed', 'cancelled', 'planned']),
  tables: z.array(z.looseObject({ name: z.string(), ...counts })),
  totals: z.looseObject(counts),
  seconds: z.number(),
  peakRssBytes: z.number(),
  quarantine: z.string().nullable(),
  targets: z.array(targetResult).describe('Performance targets that were checked'),
  plan: z.looseObject({}).nullable(),
});

const run = z.object({
  run: z.string(),
  job: jobName,
  status: runStatus,
  startedAt: time,
  endedAt: time.nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  rows: z.number(),
  cancelRequested: z.boolean(),
  resumable: z.boolean(),
  figures: figures.nullable().describe('Null while it runs, and for what died'),
});

const partMap = z.object({
  span: z.int().describe('Parts in a cell'),
  begun: z.int().describe('Parts that have begun'),
  expected: z.number().nullable().describe('Of the whole run, estimated from its plan; null when that is unknown'),
  cells: z.string().describe('A letter a cell, at most 512, in the order in which parts began; of what is in a cell what is worst or most alive: f failed, t waiting to be tried again, m moving, r done with rows rejected, d done'),
  moving: z.int(), retrying: z.int(), done: z.int(), rejected: z.int().describe('Of those that are done'), failed: z.int(),
  tables: z.array(z.object({ table: z.string(), from: z.int() })).describe('Where tables begin, by the number of their first part; of many the first 200'),
});

const summary = z.looseObject({ phase: z.string().nullable(), rows: z.number(), bytes: z.number(), rssBytes: z.number(), parts: partMap.nullish() });

const runDetails = run.extend({
  owner: z.object({ pid: z.int(), host: z.string() }).nullable(),
  summary: summary.nullable(),
  plan: z.looseObject({}).nullable(),
  receipt: receipt.nullable(),
});

const params = z.object({ run: runId });

export const planRun = route({
  id: 'planRun', method: 'POST', path: '/api/v1/plans', access: 'operator', tag: 'runs',
  summary: 'What a run would do; changes nothing',
  body: jobRequest,
  success: { status: 200, description: 'A receipt of status `planned`, with the plan', body: receipt },
});

export const startRun = route({
  id: 'startRun', method: 'POST', path: '/api/v1/runs', access: 'operator', tag: 'runs',
  summary: 'Start a run', idempotent: true,
  body: jobRequest,
  success: { status: 202, description: 'It has begun', body: z.object({ run: z.string() }) },
});

export const listRuns = route({
  id: 'listRuns', method: 'GET', path: '/api/v1/runs', access: 'viewer', tag: 'runs',
  summary: 'The runs of the workspace, newest first',
  query: z.object({ cursor: cursor.optional(), limit: count(1, 200).default(50) }),
  success: { status: 200, description: 'A page', body: page(run) },
});

export const showRun = route({
  id: 'showRun', method: 'GET', path: '/api/v1/runs/{run}', access: 'viewer', tag: 'runs',
  summary: 'A run with its plan, progress and receipt',
  params,
  success: { status: 200, description: 'The run', body: runDetails },
});

export const showReceipt = route({
  id: 'showReceipt', method: 'GET', path: '/api/v1/runs/{run}/receipt', access: 'viewer', tag: 'runs',
  summary: 'The receipt of a run that has ended',
  params,
  success: { status: 200, description: 'The receipt', body: receipt },
});

export const showParts = route({
  id: 'showParts', method: 'GET', path: '/api/v1/runs/{run}/parts', access: 'viewer', tag: 'runs',
  summary: 'The parts of a run by state; also the data of its `parts` events',
  description: 'Its size is bounded: a cell stands for one part, or for two, four … when there are many.',
  params,
  success: { status: 200, description: 'The map; null when the run has no parts (yet): a database that reads or writes files by itself has none', body: z.object({ parts: partMap.nullable() }) },
});

export const showCourse = route({
  id: 'showCourse', method: 'GET', path: '/api/v1/runs/{run}/course', access: 'viewer', tag: 'runs',
  summary: 'How a run went over its time: rows, bytes and memory, for curves',
  description: 'At most 240 samples over the whole time of the run, so far or to its end; of one that another process runs a few seconds old. What an interrupted run did before it was resumed is not in it.',
  params,
  success: { status: 200, description: 'The samples, oldest first', body: z.object({ samples: z.array(z.object({ at: time, rows: z.number(), bytes: z.number(), rssBytes: z.number() })) }) },
});

const EVENTS = 'Server-sent events: `id`, `event` (the type of the progress event) and `data` (the event, with `run`). Who comes back with Last-Event-ID gets what is new since; counters are totals, so that an event may be replaced by a newer one of the same kind.';

export const runEvents = route({
  id: 'runEvents', method: 'GET', path: '/api/v1/runs/{run}/events', access: 'viewer', tag: 'runs',
  summary: 'Progress of a run, live; ends with the run', description: EVENTS,
  params,
  success: { status: 200, description: 'Events', mediaTypes: ['text/event-stream'] },
});

export const allEvents = route({
  id: 'allEvents', method: 'GET', path: '/api/v1/events', access: 'viewer', tag: 'runs',
  summary: 'Progress of all runs of this server, live', description: EVENTS,
  success: { status: 200, description: 'Events', mediaTypes: ['text/event-stream'] },
});

export const cancelRun = route({
  id: 'cancelRun', method: 'POST', path: '/api/v1/runs/{run}/cancel', access: 'operator', tag: 'runs',
  summary: 'Ask a run to stop; the target is left as it was',
  params,
  success: { status: 202, description: 'It stops within a second', body: z.object({ run: z.string() }) },
});

export const resumeRun = route({
  id: 'resumeRun', method: 'POST', path: '/api/v1/runs/{run}/resume', access: 'operator', tag: 'runs',
  summary: 'Go on with an import or restore that was interrupted',
  params,
  success: { status: 202, description: 'It goes on', body: z.object({ run: z.string() }) },
});

export const discardRun = route({
  id: 'discardRun', method: 'POST', path: '/api/v1/runs/{run}/discard', access: 'operator', tag: 'runs',
  summary: 'Give up an interrupted run: the target is as it was before it',
  params,
  success: { status: 202, description: 'It is being given up', body: z.object({ run: z.string() }) },
});

const quarantinedRow = z.looseObject({
  table: z.string(), source: z.string().nullable(), row: z.number().nullable(), line: z.number().nullable(), byte: z.number().nullable(),
  part: z.int(), record: z.int(), code: z.string(), column: z.string().optional(), constraint: z.string().optional(), message: z.string(),
  raw: z.string().nullable().describe('The record as its source has it when `rawExact`, else its values as a JSON array; null where it is larger than a page shows'),
  rawEncoding: z.enum(['utf-8', 'base64']), rawExact: z.boolean(), values: z.array(z.string().nullable()).optional().describe('In the order of the columns of the table, where they are known'),
});

const quarantinedTable = z.looseObject({
  table: z.string(), rows: z.int(), codes: z.record(z.string(), z.int()),
  columns: z.array(z.string()).describe('Of `values`; empty where the run has not said them'),
  sources: z.array(z.looseObject({ name: z.string(), format: z.string(), fields: z.array(z.string()) })).describe('How its sources were read: fields in order, and the dialect'),
});

export const listQuarantine = route({
  id: 'listQuarantine', method: 'GET', path: '/api/v1/runs/{run}/quarantine', access: 'viewer', tag: 'runs',
  summary: 'The rejected rows of a run',
  params,
  query: z.object({ table: tableName.optional(), code: z.string().max(100).optional(), cursor: cursor.optional(), limit: count(1, 500).default(50) }),
  success: {
    status: 200, description: 'A page, by table and place',
    body: page(quarantinedRow).extend({
      rows: z.int().describe('All rejected rows of the run'), tables: z.array(quarantinedTable), sealed: z.boolean().describe('False while the run goes on, or died: places and records may be missing'),
      to: z.string().nullable().describe('The connection of the server that is where the rows were to go; null: none is'),
    }),
  },
});

const rowEdit = z.strictObject({
  table: tableName, part: z.int().min(0), record: z.int().min(0),
  raw: z.string().max(2 ** 20).optional().describe('The whole record, as its source would have it'),
  values: z.record(z.string().max(300), z.string().max(2 ** 20).nullable()).optional().describe('By column; the others stay. For rows whose `values` are known'),
}).refine(({ raw, values }) => (raw === undefined) !== (values === undefined), 'must have either raw or values');

export const replayQuarantine = route({
  id: 'replayQuarantine', method: 'POST', path: '/api/v1/runs/{run}/quarantine/replay', access: 'operator', tag: 'runs',
  summary: 'Import rejected rows again, as they are or corrected',
  description: 'One run for each table (and way of reading), parents first, each with its receipt and, for rows that are still bad, a quarantine of its own; a run waits for the one before, and ends as cancelled when that failed. What an earlier replay has loaded is not loaded again unless `again` says so.',
  params, idempotent: true,
  body: z.strictObject({
    to: connectionName.optional().describe('Default: where the run went'),
    table: tableName.optional(), code: z.string().max(100).optional(),
    edits: z.array(rowEdit).min(1).max(5000).optional(), only: z.enum(['edited', 'all']).default('edited').describe('With `edits`: whether rows that were not edited are replayed as well'),
    set: z.record(z.string().max(300), z.string().min(1).max(10_000)).optional().describe('FIELD: an expression in the SQL of the embedded engine over the fields as text; it sees these records and nothing else'),
    onError: onError.optional(), maxErrors: maxErrors.optional(), again: z.boolean().default(false),
  }),
  success: {
    status: 202, description: 'They have begun',
    body: z.object({ runs: z.array(z.object({ run: z.string(), table: z.string(), rows: z.int() })), leftOut: z.array(z.object({ table: z.string(), message: z.string() })) }),
  },
});

export const runContracts = [planRun, startRun, listRuns, showRun, showReceipt, showParts, showCourse, runEvents, allEvents, cancelRun, resumeRun, discardRun, listQuarantine, replayQuarantine] as const;
