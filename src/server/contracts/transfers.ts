/** Data in and out of the body of a request. */
import { z } from 'zod';
import { connectionName, count, flag, names, runId, sqlText, tableName } from './common.ts';
import { route } from './route-contract.ts';
import { receipt } from './runs.ts';

export const formatName = z.enum(['csv', 'tsv', 'json', 'ndjson', 'parquet', 'sql']);

/** How a source is to be read, where it should not be as it is detected. */
const readQuery = {
  format: formatName.optional().describe('Default: by name, Content-Type and content'),
  delimiter: z.string().max(10).optional(),
  quote: z.string().max(10).optional(),
  escape: z.string().max(10).optional(),
  header: flag.optional(),
  nullText: z.string().max(100).optional(),
  charset: z.enum(['utf-8', 'utf-16le', 'utf-16be', 'latin1', 'windows-1252']).optional(),
  jsonPath: z.string().max(300).optional(),
  type: names.optional().describe('COLUMN=TYPE, repeated'),
};

const importQuery = z.object({
  ...readQuery,
  to: connectionName.default('duckdb').describe('Name of a connection'),
  table: tableName.optional().describe('Default: the name of the file'),
  name: z.string().min(1).max(255).optional().describe('Name of the file, where it is not in the path; its ending says the format'),
  mode: z.enum(['append', 'replace', 'upsert']).default('append'),
  key: names.optional(),
  columns: names.optional(),
  map: names.optional().describe('FIELD=COLUMN, repeated'),
  onError: z.enum(['stop', 'quarantine']).optional(),
  maxErrors: z.string().max(20).regex(/^\d{1,15}$|^\d{1,3}(?:\.\d+)?%$/, 'must be a number of rows or a percentage').optional(),
  resume: runId.optional().describe('Go on with this run, which was interrupted: the same bytes are sent again from the start'),
});

const importDescription = `The body is loaded while it arrives, whatever its size: with \`curl -T FILE\`, as multipart/form-data (the first file of the form), plain, or with Content-Encoding gzip or zstd.
The answer is the receipt; with \`Accept: application/x-ndjson\` it is the progress, line by line, and the receipt at the end. A client that goes away ends its run, which leaves the table as it was.`;

export const importBody = route({
  id: 'importBody', method: 'POST', path: '/api/v1/import', access: 'operator', tag: 'data',
  summary: 'Load the body of the request into a table', description: importDescription,
  query: importQuery, streamIn: true, idempotent: true,
  success: { status: 200, description: 'The receipt', body: receipt, mediaTypes: ['application/json', 'application/x-ndjson'] },
});

export const importFile = route({
  id: 'importFile', method: 'PUT', path: '/api/v1/import/{name}', access: 'operator', tag: 'data',
  summary: 'The same with the name of the file in the path, as `curl -T FILE URL/` sends it', description: importDescription,
  params: z.object({ name: z.string().min(1).max(255) }),
  query: importQuery, streamIn: true, idempotent: true,
  success: { status: 200, description: 'The receipt', body: receipt, mediaTypes: ['application/json', 'application/x-ndjson'] },
});
export type ImportQuery = z.infer<typeof importQuery>;

const exportQuery = z.object({
  from: connectionName.default('duckdb').describe('Name of a connection'),
  table: names.optional().describe('Several only as json or sql'),
  query: sqlText.optional().describe('Needs the role operator'),
  where: sqlText.optional().describe('Needs the role operator'),
  columns: names.optional(),
  format: formatName.default('csv'),
  compress: z.enum(['none', 'gzip', 'zstd']).default('none').describe('A compressed file; Accept-Encoding compresses only the way'),
  delimiter: z.string().max(10).optional(),
  header: flag.optional(),
});
export type ExportQuery = z.infer<typeof exportQuery>;

export const exportBody = route({
  id: 'exportBody', method: 'GET', path: '/api/v1/export', access: 'viewer', tag: 'data',
  summary: 'Tables or the result of a query as the body of the answer',
  description: 'Of one consistent state and without a limit. When it fails midway the connection is broken off: an answer that ends in order is whole. The trailers Sluice-Run, Sluice-Status and Sluice-Rows say so once more.',
  query: exportQuery,
  success: { status: 200, description: 'The document', mediaTypes: ['text/csv', 'text/tab-separated-values', 'application/json', 'application/x-ndjson', 'application/vnd.apache.parquet', 'application/sql', 'application/gzip', 'application/zstd'] },
});

export const prepareDownload = route({
  id: 'prepareDownload', method: 'POST', path: '/api/v1/downloads', access: 'viewer', tag: 'data',
  summary: 'Begin an export that is then fetched as a download', description: 'The same as an export, in two steps: this one answers when the first bytes are there, or with the error when it comes to none; then they wait, for 20 seconds, to be fetched by whoever asked for them. For browsers, which show no error of a download.',
  body: z.strictObject(exportQuery.shape),
  success: { status: 201, description: 'It has begun', body: z.object({ run: z.string() }) },
});

export const takeDownload = route({
  id: 'takeDownload', method: 'GET', path: '/api/v1/downloads/{run}', access: 'viewer', tag: 'data',
  summary: 'Fetch a download that was begun: once, and by whoever began it',
  params: z.object({ run: runId }),
  success: { status: 200, description: 'The document, as `exportBody` answers it', mediaTypes: exportBody.success.mediaTypes },
});

/** So much of a file is sent for a look at it; more is not read. */
export const PREVIEW_BYTES = 6 * 2 ** 20;
/** More than any format samples. */
export const LEAST_PREVIEW_BYTES = 5 * 2 ** 20;

const previewQuery = z.object({
  ...readQuery,
  source: z.string().min(1).max(4000).optional().describe('A file or folder of the server, or an address, instead of a body'),
  name: z.string().min(1).max(255).optional().describe('Name of the file in the body; its ending says the format'),
  whole: flag.default('false').describe('The body is all of the file, not only its head'),
  rows: count(1, 200).default(50),
  maxCell: count(10, 10_000).default(300),
});
export type PreviewQuery = z.infer<typeof previewQuery>;

export const previewBody = route({
  id: 'previewBody', method: 'POST', path: '/api/v1/previews', access: 'operator', tag: 'data',
  summary: 'What an import would find in a source: format, columns, types and the first rows; loads nothing',
  description: 'The body is all of a file (then `whole` says so) or its head, at least 5 MiB of it (of more than 6 the rest is not read), or `source` names one that the server reads itself.',
  query: previewQuery, streamIn: true,
  success: {
    status: 200, description: 'The tables in it',
    body: z.object({
      tables: z.array(z.object({
        name: z.string(), source: z.string(), format: formatName, compression: z.enum(['none', 'gzip', 'zstd']), details: z.record(z.string(), z.unknown()).describe('What was detected: delimiter, charset …'),
        columns: z.array(z.object({ name: z.string(), type: z.string() })), rows: z.array(z.array(z.string().nullable())), estimatedRows: z.number().nullable(), bytes: z.number().nullable(),
      })),
      sources: z.int(),
      isAddress: z.boolean(),
    }),
  },
});

export const runOfKey = route({
  id: 'runOfKey', method: 'GET', path: '/api/v1/idempotency-keys/{key}', access: 'viewer', tag: 'runs',
  summary: 'The run that was started with an Idempotency-Key by whoever asks: also while its upload is still on the way',
  params: z.object({ key: z.string().min(1).max(200) }),
  success: { status: 200, description: 'Its id; null while nothing has started', body: z.object({ run: z.string().nullable() }) },
});

export const transferContracts = [importBody, importFile, exportBody, prepareDownload, takeDownload, previewBody, runOfKey] as const;
