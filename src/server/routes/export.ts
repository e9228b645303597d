/** Downloads: an export whose document is the body of the answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseDelimiter } from '../../config/csv-dialect.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { FormatName } from '../../formats/format.ts';
import { fileNameFor } from '../../io/names.ts';
import { startExport } from '../../jobs/start-transfer.ts';
import type { ExportOptions } from '../../transfer/transfer.ts';
import type { ServerContext } from '../context.ts';
import { exportBody, prepareDownload, takeDownload, type ExportQuery } from '../contracts/transfers.ts';
import { AnswerStream } from '../http/answer-stream.ts';
import { requireRole } from '../http/gate.ts';
import { problemHeaders, problemOf } from '../http/problem.ts';
import { STREAMED, type Router } from '../http/router.ts';
import { API_HEADERS } from '../http/security-headers.ts';
import { present } from '../present.ts';
import { PreparedDownloads, type Download } from '../runs/prepared-downloads.ts';
import { checkEmbeddedSql } from '../sql-check.ts';
import type { Holder } from '../store/credentials.ts';
import { namesOf } from './import.ts';

const MEDIA_TYPES: Readonly<Record<ExportQuery['format'], string>> = {
  csv: 'text/csv; charset=utf-8', tsv: 'text/tab-separated-values; charset=utf-8', json: 'application/json', ndjson: 'application/x-ndjson', parquet: 'application/vnd.apache.parquet', sql: 'application/sql',
};
const COMPRESSED_TYPES = { gzip: 'application/gzip', zstd: 'application/zstd' } as const;
const ENDINGS = { none: '', gzip: '.gz', zstd: '.zst' } as const;

type Compression = 'none' | 'gzip' | 'zstd';

export function bindExport(router: Router, context: ServerContext): void {
  const prepared = new PreparedDownloads();
  router.bind(exportBody, async ({ query, holder, request, reply }): Promise<typeof STREAMED> => {
    const download = await begin(query, { holder, request, context });
    await deliver(download, reply);
    return STREAMED;
  });
  router.bind(prepareDownload, async ({ body, holder, request, reply }) => {
    const download = await begin(body, { holder, request, context });
    stopWhenGone(download, reply);
    const error = await Promise.race([download.answer.ready, download.outcome.then((outcome) => outcome.error)]);
    if (error !== undefined) throw error;
    prepared.keep(download, holder.id);
    return { run: download.run };
  });
  router.bind(takeDownload, async ({ params, holder, request, reply }): Promise<typeof STREAMED> => {
    refuseOldHttp(request);
    await deliver(prepared.take(params.run, holder.id), reply);
    return STREAMED;
  });
}

interface Asked {
  readonly holder: Holder;
  readonly request: FastifyRequest;
  readonly context: ServerContext;
}

/** Begins the export; its first bytes wait for whoever gets them. @throws SluiceError of what the request has wrong */
async function begin(query: ExportQuery, { holder, request, context }: Asked): Promise<Download> {
  // Whoever may only look gets tables; SQL can do more than look.
  if (query.query !== undefined || query.where !== undefined) requireRole(holder, 'operator');
  refuseOldHttp(request);
  const url = context.connections.urlOf(query.from);
  await checkEmbeddedSql(url, query);
  const onTheWay = query.compress === 'none' && query.format !== 'parquet' ? encodingOf(request.headers['accept-encoding']) : 'none';
  const options = exportOptions(query, url, onTheWay);
  let run = '';
  const answer = new AnswerStream(() => headersOf(query, onTheWay, run), context.patience.stallMs);
  const gone = new AbortController();
  const handle = context.runs.launch((settings) => startExport(options, settings), { ends: [{ url, isTarget: false }], stdout: answer, signal: gone.signal });
  run = handle.id;
  return { run, answer, outcome: handle.outcome, stop: () => gone.abort(new SluiceError('OUTPUT_CLOSED')) };
}

/** Without chunks an answer that breaks off looks like one that has ended. */
function refuseOldHttp({ raw }: FastifyRequest): void {
  if (raw.httpVersion === '1.0') throw new SluiceError('OPTION_UNSUPPORTED', { option: 'An export', context: 'over HTTP/1.0' });
}

function stopWhenGone({ stop }: Download, { raw }: FastifyReply): void {
  if (raw.destroyed) stop();
  else raw.once('close', () => { if (!raw.writableFinished) stop(); });
}

async function deliver(download: Download, reply: FastifyReply): Promise<void> {
  const { run, answer, outcome } = download;
  reply.hijack();
  stopWhenGone(download, reply);
  const { raw } = reply;
  answer.sendTo(raw);
  const { receipt, error } = await outcome;
  if (error === undefined) {
    answer.begin();
    raw.addTrailers({ 'Sluice-Run': run, 'Sluice-Status': receipt.status, 'Sluice-Rows': String(receipt.totals.written) });
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
