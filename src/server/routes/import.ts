/** Uploads: the body of the request is the source of an import, read while it is loaded. */
import { once } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseDelimiter, parseEscape, parseQuote } from '../../config/csv-dialect.ts';
import { parseNames, parsePairs } from '../../config/lists.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { FormatName, ReadOptions } from '../../formats/format.ts';
import { reportError } from '../../jobs/receipt.ts';
import type { RunHandle, RunOutcome } from '../../jobs/start-run.ts';
import { resumeLoad, startImport } from '../../jobs/start-transfer.ts';
import type { ErrorLimit } from '../../pipeline/rejection-limit.ts';
import { parseColumnTypes } from '../../rows/parse-column-type.ts';
import type { ImportOptions } from '../../transfer/transfer.ts';
import type { ServerContext } from '../context.ts';
import { importBody, importFile, runOfKey, type ImportQuery } from '../contracts/transfers.ts';
import { problemHeaders, problemOf } from '../http/problem.ts';
import { openUpload } from '../http/request-body.ts';
import { STREAMED, type Router } from '../http/router.ts';
import { API_HEADERS } from '../http/security-headers.ts';
import { present } from '../present.ts';
import { interruptedRun } from '../runs/interrupted-run.ts';
import type { Holder } from '../store/credentials.ts';
import { keyOf, once as onceOnly } from './idempotent.ts';

/** Of uploads: a record is held in memory, and many may come at once. */
const MAX_RECORD_BYTES = 16 * 2 ** 20;
/** Smaller than for a single import: parts of all uploads are in memory at once. */
const PART_BYTES = 2 * 2 ** 20;

interface Upload {
  readonly query: ImportQuery;
  readonly name: string | undefined;
  readonly holder: Holder;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export function bindImport(router: Router, context: ServerContext): void {
  router.bind(importBody, ({ query, holder, request, reply }) => upload({ query, name: query.name, holder, request, reply }, context));
  router.bind(runOfKey, ({ params, holder }) => ({ run: context.idempotency.runOf(holder.id, params.key) }));
  router.bind(importFile, ({ params, query, holder, request, reply }) => upload({ query, name: query.name ?? params.name, holder, request, reply }, context));
}

async function upload(call: Upload, context: ServerContext): Promise<typeof STREAMED> {
  const { request, reply, holder } = call;
  const started = onceOnly(context, holder, keyOf(request), fingerprintOf(request));
  if (started.run !== undefined) return answerAgain(started.run, call, context);
  try {
    const gone = new AbortController();
    reply.raw.once('close', () => { if (!reply.raw.writableFinished) gone.abort(); });
    const handle = await launch(call, context, gone.signal);
    started.began(handle.id);
    if (wantsProgress(request)) await answerWithProgress(handle, reply);
    else answerWithReceipt(await handle.outcome, reply);
    return STREAMED;
  } catch (error) {
    started.failed();
    throw error;
  }
}

/** What tells this upload from another; of the body what is known before it is read. */
function fingerprintOf({ method, url, headers }: FastifyRequest): string {
  return [`${method} ${url}`, ...['content-length', 'content-type', 'content-encoding'].map((name) => String(headers[name] ?? ''))].join('\n');
}

async function launch({ query, name, request }: Upload, context: ServerContext, signal: AbortSignal): Promise<RunHandle> {
  const { runs, connections, patience } = context;
  const resumed = query.resume === undefined ? undefined : interruptedRun(query.resume, context);
  if (resumed?.stdinName === null) throw new SluiceError('REQUEST_INVALID', { what: `the run ${query.resume} did not read an upload: resume it at its own address` });
  // A run that has everything wrong is refused before anything is read.
  const url = resumed?.to ?? connections.urlOf(query.to);
  const options = resumed === undefined ? importOptions(query, url) : undefined;
  const { stream, name: fileName } = await openUpload(request.raw, name, patience.stallMs);
  const ends = [{ url, isTarget: true }];
  const common = { ends, signal, stdin: stream, partBytes: PART_BYTES };
  try {
    if (resumed !== undefined) return runs.launch((run) => resumeLoad(resumed.run, resumed.job, url, run), { ...common, stdinName: resumed.stdinName ?? 'stdin' });
    return runs.launch((run) => startImport(options!, run), { ...common, ...(fileName === undefined ? {} : { stdinName: fileName }) });
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/** How an upload is to be read, as its query says. */
export function readOptionsOf(query: Pick<ImportQuery, 'format' | 'delimiter' | 'quote' | 'escape' | 'header' | 'nullText' | 'charset' | 'jsonPath' | 'type'>): ReadOptions {
  const csv = present({
    delimiter: parseDelimiter(query.delimiter) ?? (query.format === 'tsv' ? '\t' : undefined), quote: parseQuote(query.quote), escape: parseEscape(query.escape),
    header: query.header === undefined ? undefined : query.header === 'true', nullText: query.nullText,
  });
  return {
    maxRecordBytes: MAX_RECORD_BYTES,
    ...present({ csv: Object.keys(csv).length === 0 ? undefined : csv, charset: query.charset, jsonPath: query.jsonPath, types: parseColumnTypes(listOf(query.type), 'type') }),
  };
}

function importOptions(query: ImportQuery, to: string): ImportOptions {
  const format: FormatName | undefined = query.format === 'tsv' ? 'csv' : query.format;
  if (query.maxErrors !== undefined && query.onError !== 'quarantine') throw new SluiceError('REQUEST_INVALID', { what: 'maxErrors needs onError=quarantine' });
  return {
    sources: ['-'], to, reference: query.to, mode: query.mode, read: readOptionsOf(query),
    ...present({ table: query.table, key: namesOf(query.key, 'key'), columns: namesOf(query.columns, 'columns'), map: parsePairs(listOf(query.map), 'map'), format, onError: query.onError, maxErrors: limitOf(query.maxErrors) }),
  };
}

/** A parameter that is given once or several times. */
export function listOf(value: string | readonly string[] | undefined): string[] | undefined {
  return value === undefined ? undefined : typeof value === 'string' ? [value] : [...value];
}

export function namesOf(value: string | readonly string[] | undefined, parameter: string): string[] | undefined {
  return parseNames(listOf(value), parameter);
}

/** `100` or `0.5%`, as the contract has checked. */
function limitOf(text: string | undefined): ErrorLimit | undefined {
  if (text === undefined) return undefined;
  return text.endsWith('%') ? { kind: 'percent', percent: Math.min(100, Number(text.slice(0, -1))) } : { kind: 'rows', rows: Number(text) };
}

function wantsProgress(request: FastifyRequest): boolean {
  return /\bapplication\/(?:x-)?ndjson\b/i.test(request.headers.accept ?? '');
}

function answerWithReceipt({ receipt, error }: RunOutcome, reply: FastifyReply): void {
  if (error === undefined) void reply.code(200).send(receipt);
  else void reply.code(error.httpStatus).headers(problemHeaders(error)).send(JSON.stringify(problemOf(error, receipt)));
}

/** Progress at the pace of the client: events that it has no time for are replaced by newer ones. */
async function answerWithProgress(handle: RunHandle, reply: FastifyReply): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  raw.writeHead(200, { ...API_HEADERS, 'content-type': 'application/x-ndjson; charset=utf-8' });
  const say = async (value: unknown): Promise<void> => {
    if (raw.destroyed || raw.write(`${JSON.stringify(value)}\n`)) return;
    await once(raw, 'drain', { signal: gone.signal }).catch(() => undefined);
  };
  for await (const event of handle.events) {
    if (event.type === 'run-ended') break;
    await say({ ...event, run: handle.id });
  }
  const { receipt, error } = await handle.outcome;
  await say({ type: 'receipt', receipt, ...(error === undefined ? {} : { error: reportError(error) }) });
  raw.end();
}

/** The request was sent before, with this key. */
async function answerAgain(run: string, { reply }: Upload, { runStore, runs }: ServerContext): Promise<typeof STREAMED> {
  const underway = runs.handleOf(run);
  if (underway !== undefined) {
    answerWithReceipt(await underway.outcome, reply);
    return STREAMED;
  }
  const { receipt } = runStore.show(run);
  if (receipt === null) throw new SluiceError('IDEMPOTENCY_CONFLICT', { reason: `for the run ${run}, which was interrupted` });
  const error = receipt.error === undefined ? undefined : new SluiceError(receipt.error.code, {}, receipt.error.at);
  if (error === undefined) void reply.code(200).send(receipt);
  else void reply.code(error.httpStatus).headers(problemHeaders(error)).send(JSON.stringify({ ...problemOf(error, receipt), detail: receipt.error!.message, hint: receipt.error!.hint }));
  return STREAMED;
}
