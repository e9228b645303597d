/**
 * Types that the head of a large NDJSON file does not show: profiles the lines in windows spread over the file. A window begins behind its first line feed, and
 * ends with its last whole line. Bad lines are not judged here, reading does that.
 */
import { DEFAULT_MAX_RECORD_BYTES } from '../format.ts';
import { ByteWindow } from './byte-window.ts';
import { SAMPLE_BYTES, type Inspection } from './inspection.ts';
import { JsonLexer, LF } from './lexer.ts';
import { isTroubleOfRecords, RecordSequence } from './record-sequence.ts';
import { profilerOf, type TableProfile } from './table-profile.ts';

const WINDOWS = 8;
const SPREAD_BYTES = 256 * 1024;

export async function profileSpreadLines(inspection: Inspection, signal: AbortSignal): Promise<void> {
  const { source, depth, charset } = inspection;
  const [table] = inspection.tables;
  if (table === undefined || table.complete || depth === 'full' || charset !== 'utf-8' || !source.seekable || (source.bytes ?? 0) < 2 * SAMPLE_BYTES) return;
  for (let k = 1; k <= WINDOWS; k++) {
    const start = Math.floor((source.bytes! / (WINDOWS + 1)) * k);
    await profileWindow(inspection, start, table.profile, signal);
  }
}

async function profileWindow({ source, options: { tolerant } }: Inspection, start: number, profile: TableProfile, signal: AbortSignal): Promise<void> {
  const chunks = source.read({ start, end: Math.min(start + SPREAD_BYTES, source.bytes!), signal });
  const window = new ByteWindow(chunks, { sourceName: source.name, signal, maxRecordBytes: DEFAULT_MAX_RECORD_BYTES, base: start, windowBytes: SPREAD_BYTES });
  try {
    await window.more();
    const first = window.bytes.subarray(0, window.end).indexOf(LF);
    if (first < 0) return;
    window.pos = first + 1;
    const lexer = new JsonLexer(window);
    lexer.strictLines = true;
    // The records are counted where the head is: here only their keys and types matter.
    const { records, leftOut } = profile;
    lexer.tolerant = tolerant === true;
    await new RecordSequence(lexer, 'lines', tolerant).runAll(profilerOf(lexer, profile, Number.POSITIVE_INFINITY, tolerant)).catch(ignoreBadContent);
    profile.records = records;
    profile.leftOut = leftOut;
  } finally {
    await window.close();
  }
}

/** The window's end cuts its last line, which then looks malformed. */
function ignoreBadContent(error: unknown): void {
  if (!isTroubleOfRecords(error)) throw error;
}
