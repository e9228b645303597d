/**
 * Inspects JSON and NDJSON sources: where the records are, which columns they have, how many there may be. A sample looks at the first SAMPLE_BYTES
 * (and, for lines in a file, at windows spread over it); `full` looks at everything, and then the counts are exact.
 *
 * In a document without --json-path, the arrays of objects directly in the root object are tables. Only when there is none, the tables are looked for one level
 * deeper (`{"data": {"users": […]}}`): that is known at the end of the document, so such documents are read once to be inspected.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import type { InspectedSource, ReadOptions } from '../format.ts';
import { NEED_MORE, type ByteWindow } from './byte-window.ts';
import { charsetOf } from './charset.ts';
import { DocumentCursor } from './document-cursor.ts';
import { walkDocument, type FoundMember } from './document-walk.ts';
import { HEAD_EXHAUSTED, headChunks } from './head-chunks.ts';
import { Inspection, SAMPLE_BYTES } from './inspection.ts';
import { isTablePath, leadsToTables } from './layout.ts';
import { OPEN_OBJECT, type JsonLexer } from './lexer.ts';
import { openWindow } from './open-window.ts';
import { isTroubleOfRecords } from './record-sequence.ts';
import { profileSpreadLines } from './spread-lines.ts';
import { describeValue } from './value-kind.ts';
import { ValueScanner } from './value-scanner.ts';

/** A first record of several that is larger than this is taken for a document of its own. */
const FIRST_RECORD_BYTES = 1024 * 1024;
/** Without --json-path, tables are looked for so deep. */
const DETECTED_DEPTH = 2;

export async function inspectJson(source: ByteSource, options: ReadOptions, depth: 'sample' | 'full', signal: AbortSignal): Promise<InspectedSource> {
  return trustingly(source, options, async (tolerant) => inspectWhole(new Inspection(source, options, depth, await charsetOf(source, options.charset), tolerant), signal));
}

export async function inspectLines(source: ByteSource, options: ReadOptions, depth: 'sample' | 'full', signal: AbortSignal): Promise<InspectedSource> {
  if (options.jsonPath !== undefined) throw new SluiceError('OPTION_UNSUPPORTED', { option: '--json-path', context: 'for NDJSON' });
  return trustingly(source, options, async (tolerant) => {
    const inspection = new Inspection(source, options, depth, await charsetOf(source, options.charset), tolerant);
    const opened = await open(inspection, signal);
    try {
      opened.lexer.strictLines = true;
      await inspectRecords(inspection, opened.lexer);
    } finally {
      await opened.close();
    }
    await profileSpreadLines(inspection, signal);
    return inspection.result('ndjson', 'lines', []);
  });
}

/** To leave bad records out costs a second pass over each: it is done only where the first look has met one. */
async function trustingly(source: ByteSource, options: ReadOptions, inspect: (tolerant: boolean) => Promise<InspectedSource>): Promise<InspectedSource> {
  if (options.tolerant !== true || !source.repeatable) return inspect(options.tolerant === true);
  try {
    return await inspect(false);
  } catch (error) {
    if (!isTroubleOfRecords(error)) throw error;
    return inspect(true);
  }
}

async function inspectWhole(inspection: Inspection, signal: AbortSignal): Promise<InspectedSource> {
  const opened = await open(inspection, signal);
  try {
    const cursor = new DocumentCursor(opened.lexer);
    if (inspection.options.jsonPath === undefined && (await isOneRecordALine(cursor))) {
      await inspectRecords(inspection, opened.lexer);
      return inspection.result('json', 'lines', []);
    }
    return inspection.result('json', 'document', await inspectDocument(inspection, cursor));
  } finally {
    await opened.close();
  }
}

async function open({ source, charset, options, tolerant }: Inspection, signal: AbortSignal): ReturnType<typeof openWindow> {
  const opened = await openWindow(source, charset, options, signal, source.repeatable ? {} : { chunks: headChunks(source, SAMPLE_BYTES) });
  opened.lexer.tolerant = tolerant;
  return opened;
}

/** Whether a first object is followed by another on a new line. Consumes nothing. */
async function isOneRecordALine(cursor: DocumentCursor): Promise<boolean> {
  if ((await cursor.peek()) !== OPEN_OBJECT) return false;
  const { lexer } = cursor;
  const { window } = lexer;
  const scanner = new ValueScanner(lexer);
  const { line } = lexer;
  for (;;) {
    const unread = window.end - window.pos;
    try {
      const end = scanner.scan(window.pos);
      const endLine = lexer.line;
      const after = lexer.blanks(end);
      if (after < window.end || window.eof) return window.bytes[after] === OPEN_OBJECT && lexer.line > endLine;
    } catch (error) {
      if (error !== NEED_MORE) return false; // bad JSON is reported by the walk, with its place
    } finally {
      lexer.line = line;
    }
    if (unread >= FIRST_RECORD_BYTES) return false;
    await window.more(unread * 2);
  }
}

/** One record after the other. */
async function inspectRecords(inspection: Inspection, lexer: JsonLexer<ByteWindow>): Promise<void> {
  const { window } = lexer;
  const table = inspection.table([], window.offset(window.pos));
  try {
    const state = await inspection.profile(table, lexer, 'lines');
    if (state === 'not-a-record') throw await notARecord(new DocumentCursor(lexer));
  } catch (error) {
    if (error !== HEAD_EXHAUSTED) throw error;
  }
  inspection.requireRecords(table);
}

/** The error for a line that is a value but not an object; a line that is not even JSON throws that. */
async function notARecord(cursor: DocumentCursor): Promise<SluiceError> {
  const { window, row } = cursor.lexer;
  const error = cursor.notRecords(`record ${row} is ${describeValue(window.bytes[window.pos])}, not an object`);
  await cursor.skipValue();
  return error;
}

/** @returns the path of the tables */
async function inspectDocument(inspection: Inspection, cursor: DocumentCursor): Promise<readonly string[]> {
  const said = inspection.options.jsonPath?.split('.');
  const enter = (path: readonly string[]): boolean => (said === undefined ? path.length < DETECTED_DEPTH : leadsToTables(said, path));
  let refusal: SluiceError | undefined;
  let whole = false;
  try {
    for await (const member of walkDocument(cursor, enter, inspection.tolerant)) {
      const takes = said === undefined ? true : isTablePath(said, member.path);
      const outcome = takes ? await inspectMember(inspection, cursor, member) : 'other';
      if (outcome === 'other') inspection.other(member.path);
      if (outcome instanceof SluiceError) refusal ??= outcome;
      if (outcome === 'enough') break;
    }
    whole = true;
  } catch (error) {
    if (error !== HEAD_EXHAUSTED) throw error;
  }
  if (refusal !== undefined) throw refusal;
  const path = said ?? detectedPath(inspection);
  const found = inspection.tables.some((table) => isTablePath(path, table.path));
  if (whole && !found) throw noTables(inspection);
  return path;
}

/** @returns 'taken', 'enough' when the sample is complete, 'other' when the member is no table, or why the document will be refused */
async function inspectMember(inspection: Inspection, cursor: DocumentCursor, member: FoundMember): Promise<'taken' | 'enough' | 'other' | SluiceError> {
  const { window } = cursor.lexer;
  if (member.kind === 'other') {
    if (member.path.length > 0) return 'other';
    return cursor.notRecords(`the document is ${describeValue(window.bytes[window.pos])}${window.bytes[window.pos] === 0x5b ? ' whose first element is not an object' : ''}`);
  }
  const table = inspection.table(member.path, window.offset(window.pos));
  if (member.kind === 'empty') return 'taken';
  cursor.step();
  const state = await inspection.profile(table, cursor.lexer, 'array');
  if (state === 'end') return 'taken';
  if (state === 'not-a-record') {
    const { row } = cursor.lexer;
    const error = cursor.notRecords(`element ${row} of the array is ${describeValue(window.bytes[window.pos])}, not an object`);
    await cursor.skipRestOfArray(false);
    return error;
  }
  if (member.path.length < DETECTED_DEPTH || inspection.options.jsonPath !== undefined) return 'enough';
  cursor.lexer.row = 0;
  await cursor.skipRestOfArray(true); // an array one level up may come yet, and goes before
  return 'taken';
}

/** Where the tables are: arrays of objects in the root, else one level deeper in the object that has the first; else empty arrays alike. */
function detectedPath({ tables }: Inspection): readonly string[] {
  const withRecords = tables.filter((table) => table.profile.records > 0);
  for (const candidates of [withRecords, tables]) {
    if (candidates.some((table) => table.path.length < DETECTED_DEPTH)) return [];
    const [deeper] = candidates;
    if (deeper !== undefined) return deeper.path.slice(0, -1);
  }
  return [];
}

function noTables(inspection: Inspection): SluiceError {
  const { jsonPath } = inspection.options;
  const reason = jsonPath === undefined ? 'it is one object without an array of objects' : `there is no array of objects under "${jsonPath}"`;
  return new SluiceError('JSON_NOT_RECORDS', { source: inspection.source.name, reason }, { file: inspection.source.name, line: 1, byte: 0 });
}
