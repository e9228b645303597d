/** Downloads: an export whose document is the body of the answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseDelimiter } from '../../config/csv-dialect.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { FormatName } from '../../formats/format.ts';
import { fileNameFor } from '../../io/names.ts';
import { startExport } from '../../jobs/start-transfer.ts';
import type { ExportOptions } from '../../transfer/transfer.ts';
import type { ServerContext } from '../context.ts';
import { exportBody, type ExportQuery } from '../contracts/transfers.ts';
import { AnswerStream } from '../http/answer-stream.ts';
import { requireRole } from '../http/gate.ts';
import { problemHeaders, problemOf } from '../http/problem.ts';
import { STREAMED, type Router } from '../http/router.ts';
import { API_HEADERS } from '../http/security-headers.ts';
import { present } from '../present.ts';
import { checkEmbeddedSql } from '../sql-check.ts';
import { namesOf } from './import.ts';

const MEDIA_TYPES: Readonly<Record<ExportQuery['format'], string>> = {
  csv: 'text/csv; charset=utf-8', tsv: 'text/tab-separated-values; charset=utf-8', json: 'application/json', ndjson: 'application/x-ndjson', parquet: 'application/vnd.apache.parquet', sql: 'application/sql',
};
const COMPRESSED_TYPES = { gzip: 'application/gzip', zstd: 'application/zstd' } as const;
const ENDINGS = { none: '', gzip: '.gz', zstd: '.zst' } as const;

type Compression = 'none' | 'gzip' | 'zstd';

export function bindExport(router: Router, context: ServerContext): void {
  router.bind(exportBody, async ({ query, holder, request, reply }): Promise<typeof STREAMED> => {
    // Whoever may only look gets tables; SQL can do more than look.
    if (query.query !== undefined || query.where !== undefined) requireRole(holder, 'operator');
    // Without chunks an answer that breaks off looks like one that has ended.
    if (request.raw.httpVersion === '1.0') throw new SluiceError('OPTION_UNSUPPORTED', { option: 'An export', context: 'over HTTP/1.0' });
    const url = context.connections.urlOf(query.from);
    await checkEmbeddedSql(url, query);
    await download(query, url, { request, reply, context });
    return STREAMED;
  });
}

interface Download {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly context: ServerContext;
}

async function download(query: ExportQuery, url: string, { request, reply, context }: Download): Promise<void> {
  const onTheWay = query.compress === 'none' && query.format !== 'parquet' ? encodingOf(request.headers['accept-encoding']) : 'none';
  reply.hijack();
  const { raw } = reply;
  const gone = new AbortController();
  raw.once('close', () => { if (!raw.writableFinished) gone.abort(new SluiceError('OUTPUT_CLOSED')); });
  let run = '';
  const answer = new AnswerStream(raw, () => headersOf(query, onTheWay, run), context.patience.stallMs);
  const handle = context.runs.launch((options) => startExport(exportOptions(query, url, onTheWay), options), { ends: [{ url, isTarget: false }], stdout: answer, signal: gone.signal });
  run = handle.id;
  const { receipt, error } = await handle.outcome;
  if (error === undefined) {
    answer.begin();
    raw.addTrailers({ 'Sluice-Run': handle.id, 'Sluice-Status': receipt.status, 'Sluice-Rows': String(receipt.totals.written) });
    raw.end();
  } else if (raw.headersSent) {
    // Without the last chunk, so that nobody takes this for the whole.
    raw.destroy();
  } else {
    raw.writeHead(error.httpStatus, { ...API_HEADERS, ...problemHeaders(error) });
    raw.end(JSON.stringify(problemOf(error, receipt)));
  }
}

function exportOptions(query: ExportQuery, url: string, onTheWay: Compression): ExportOptions {
  const format: FormatName = query.format === 'tsv' ? 'csv' : query.format;
  const csv = present({ delimiter: parseDelimiter(query.delimiter) ?? (query.format === 'tsv' ? '\t' : undefined), header: query.header === undefined ? undefined : query.header === 'true' });
  return {
    from: url, to: '-', overwrite: false, format, compression: { kind: query.compress === 'none' ? onTheWay : query.compress },
    ...present({ tables: namesOf(query.table, 'table'), query: query.query, where: query.where, columns: namesOf(query.columns, 'columns'), csv: Object.keys(csv).length === 0 ? undefined : csv }),
  };
}

function headersOf(query: ExportQuery, onTheWay: Compression, run: string): Record<string, string> {
  const { compress, format } = query;
  const isFile = compress !== 'none' && format !== 'parquet';
  const tables = namesOf(query.table, 'table');
  const stem = tables?.length === 1 ? tables[0] : 'export';
  const name = fileNameFor(stem, `.${format}${isFile ? ENDINGS[compress] : ''}`);
  return {
    ...API_HEADERS,
    'content-type': isFile ? COMPRESSED_TYPES[compress] : MEDIA_TYPES[format],
    'content-disposition': `attachment; filename="${name.replace(/[^\w .()-]/g, '_')}"; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)}`,
    vary: 'Accept-Encoding',
    trailer: 'Sluice-Run, Sluice-Status, Sluice-Rows',
    'sluice-run': run,
    ...(onTheWay === 'none' ? {} : { 'content-encoding': onTheWay }),
  };
}

/** What the client takes and we like best. */
function encodingOf(header: string | undefined): Compression {
  const accepted = new Set((header ?? '').toLowerCase().split(',').map((item) => item.trim()).filter((item) => !/;\s*q=0(?:\.0*)?$/.test(item)).map((item) => item.split(';', 1)[0].trim()));
  return accepted.has('zstd') ? 'zstd' : accepted.has('gzip') ? 'gzip' : 'none';
}
