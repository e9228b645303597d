/**
 * `--set FIELD=EXPRESSION`: computes fields of every record with the embedded engine. The fields go to it as text, one object a line; what it
 * computes comes back the same way, and is put into the records, which otherwise stay as they are. All in files: memory does not grow with the records.
 *
 * The engine sees its own folder and nothing else: expressions come from the user, who may have them from somebody else.
 */
import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openEngine, type Engine } from '../../engine/engine.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import { quotePath, quoteString } from '../../engine/quoting.ts';
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import { targetError } from '../../io/system-errors.ts';
import { LineWriter, readLines } from '../../quarantine/lines.ts';
import { readOptionsOf } from './import-options.ts';
import { withFields } from './read-fields.ts';
import { CANONICAL_DIALECT, csvRecord, withMembers } from './record-text.ts';
import { impossible, type ReplayFile, type ReplayLayout } from './replay-files.ts';

export interface Assignment {
  readonly field: string;
  readonly expression: string;
}

export interface SetContext {
  readonly signal: AbortSignal;
  readonly engineMemoryBytes: number;
}

/** The file with the fields computed, beside the old one. @throws SluiceError EXPRESSION_INVALID, REPLAY_IMPOSSIBLE, and of reading the file */
export async function setFields(file: ReplayFile, assignments: readonly Assignment[], context: SetContext): Promise<ReplayFile> {
  const folder = dirname(file.path);
  const fieldsPath = join(folder, 'fields.ndjson');
  const computedPath = join(folder, 'computed.ndjson');
  const { names, rows } = await writeFields(file, fieldsPath, context.signal);
  const available = [...new Set([...names, ...file.layout.fields])];
  await compute({ fieldsPath, computedPath, folder, available, rows }, assignments, context);
  const result = { ...file, path: join(folder, `set.${file.layout.format}`), layout: layoutAfter(file.layout, names, assignments) };
  if (file.layout.format === 'csv') await joinCsv(result, fieldsPath, computedPath, assignments);
  else await joinJson(result, file.path, computedPath, assignments);
  for (const path of [fieldsPath, computedPath, file.path]) await rm(path);
  return result;
}

/** Written anew, a CSV record is in Sluice's own dialect; a field that was set is one that is wanted. */
function layoutAfter(layout: ReplayLayout, names: readonly string[], assignments: readonly Assignment[]): ReplayLayout {
  const set = assignments.map(({ field }) => field);
  const ignored = layout.ignored.filter((field) => !set.includes(field));
  if (layout.format !== 'csv') return { ...layout, ignored };
  return { ...layout, ignored, fields: [...new Set([...names, ...set])], dialect: CANONICAL_DIALECT, charset: 'utf-8' };
}

async function writeFields({ path, layout }: ReplayFile, to: string, signal: AbortSignal): Promise<{ names: string[]; rows: number }> {
  return withFields(path, layout.format, readOptionsOf(layout), signal, async ({ columns, records }) => {
    let rows = 0;
    const names = columns.map(({ name }) => name);
    await writeLines(to, async (lines) => {
      for await (const record of records) {
        await lines.write(JSON.stringify(Object.fromEntries(names.map((name, i) => [name, record[i]]))));
        rows++;
      }
    });
    return { names, rows };
  });
}

interface Computation {
  readonly fieldsPath: string;
  readonly computedPath: string;
  readonly folder: string;
  readonly available: readonly string[];
  readonly rows: number;
}

async function compute({ fieldsPath, computedPath, folder, available, rows }: Computation, assignments: readonly Assignment[], { signal, engineMemoryBytes }: SetContext): Promise<void> {
  const engine: Engine = await openEngine({ path: ':memory:', memoryLimitBytes: engineMemoryBytes, threads: 1, tempFolder: folder });
  try {
    const connection = await engine.connect();
    await connection.run(`SET allowed_directories = [${quoteString(`${folder}/`)}]; SET enable_external_access = false; SET lock_configuration = true`);
    const columns = available.map((name) => `${quoteString(name)}: 'VARCHAR'`).join(', ');
    const size = Math.max(16, Math.floor(engineMemoryBytes / 4));
    const relation = `read_json(${quotePath(fieldsPath)}, format = 'newline_delimited', columns = {${columns}}, maximum_object_size = ${size})`;
    for (const { field, expression } of assignments) await check(connection, field, expression, relation, signal);
    const list = assignments.map(({ expression }, i) => `CAST((${expression}\n) AS VARCHAR) AS v${i}`).join(', ');
    const computed = await connection.run(`COPY (SELECT ${list} FROM ${relation}) TO ${quoteString(computedPath)} (FORMAT json)`, { signal, userSql: true })
      .catch((error: unknown) => {
        throw expressionError(error, assignments.map(({ field }) => field).join(', '));
      });
    if (computed !== rows) throw new SluiceError('EXPRESSION_INVALID', { column: assignments.map(({ field }) => field).join(', '), reason: `it gives ${computed} values for ${rows} records` });
  } finally {
    await engine.close();
  }
}

/** One expression, and one that compiles: said with its field, before any is computed. */
async function check(connection: EngineConnection, field: string, expression: string, relation: string, signal: AbortSignal): Promise<void> {
  const select = `SELECT (${expression}\n) AS v FROM ${relation}`;
  try {
    const single = await connection.isSingleQuery(select);
    if (!single || (await connection.columns(select, { signal, userSql: true })).length !== 1) throw new SluiceError('EXPRESSION_INVALID', { column: field, reason: 'it is not one expression' }, { column: field });
  } catch (error) {
    throw expressionError(error, field);
  }
}

function expressionError(error: unknown, column: string): SluiceError {
  const coded = toSluiceError(error);
  const isUsers = coded.code === 'QUERY_INVALID' || coded.code === 'VALUE_INVALID' || coded.code === 'ENGINE_ERROR';
  return isUsers ? new SluiceError('EXPRESSION_INVALID', { column, reason: coded.facts.reason ?? coded.message }, { column }, error) : coded;
}

async function joinCsv(file: ReplayFile, fieldsPath: string, computedPath: string, assignments: readonly Assignment[]): Promise<void> {
  const { fields, dialect } = file.layout;
  await writeLines(file.path, async (lines) => {
    await lines.write(csvRecord(fields, dialect, file.table.table));
    for await (const [line, values] of together(fieldsPath, computedPath)) {
      const record = new Map(Object.entries(JSON.parse(line) as Record<string, string | null>));
      assignments.forEach(({ field }, i) => record.set(field, values[`v${i}`] ?? null));
      await lines.write(csvRecord(fields.map((field) => record.get(field) ?? null), dialect, file.table.table));
    }
  });
}

async function joinJson(file: ReplayFile, linesPath: string, computedPath: string, assignments: readonly Assignment[]): Promise<void> {
  await writeLines(file.path, async (lines) => {
    for await (const [line, values] of together(linesPath, computedPath)) {
      const joined = withMembers(line, new Map(assignments.map(({ field }, i) => [field, values[`v${i}`] ?? null])));
      if (joined === undefined) throw impossible(file.table.table, 'a record is no JSON object');
      await lines.write(joined);
    }
  });
}

/** The nth line of one file with the object in the nth line of another. */
async function* together(path: string, computedPath: string): AsyncGenerator<[string, Record<string, string | null>], void, undefined> {
  const computed = readLines(computedPath);
  try {
    for await (const line of readLines(path)) {
      if (line.length === 0) continue;
      const next = await computed.next();
      if (next.done === true) throw new SluiceError('INTERNAL', { reason: 'a computed value is missing' });
      yield [line.toString(), JSON.parse(next.value.toString()) as Record<string, string | null>];
    }
  } finally {
    await computed.return();
  }
}

async function writeLines(path: string, write: (lines: LineWriter) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw targetError(error, path);
  });
  try {
    const lines = new LineWriter(file);
    await write(lines);
    await lines.flush();
  } catch (error) {
    throw error instanceof SluiceError ? error : targetError(error, path);
  } finally {
    await file.close();
  }
}

