/**
 * Finds delimiter, quote and escape from samples. Every candidate parses the head; the winner is the one under which records have the same number of
 * fields and fields look like values: score = share³ × (1 − 1/fields) × purity × trust, less for malformed records, where share is the part of records that
 * has the most frequent number of fields, purity says how much fields look like numbers, dates, words or quoted text rather than like several of
 * them, and trust is lower for characters that are common inside text. (The idea is that of "Wrangling messy CSV files by detecting row and type
 * patterns", van den Burg and others, 2019.) When nothing separates well, the source has one column.
 */
import { looksTyped } from '../../rows/infer-type.ts';
import { dialectBytes, type CsvDialect } from './dialect.ts';
import { PLAIN, RecordParser } from './record-parser.ts';
import { alignWindow, eachRecord, type Sample } from './sample.ts';

interface Candidate {
  readonly delimiter: string;
  readonly trust: number;
  /** Common inside ordinary text: a separator only when nearly all records agree and enough of the fields are typed. */
  readonly shy?: true;
}

const CANDIDATES: readonly Candidate[] = [
  { delimiter: ',', trust: 1 }, { delimiter: '\t', trust: 1 }, { delimiter: ';', trust: 1 }, { delimiter: '|', trust: 1 },
  { delimiter: '\x01', trust: 1 }, { delimiter: '\x1f', trust: 1 }, { delimiter: '||', trust: 1 }, { delimiter: '::', trust: 1 },
  { delimiter: '^', trust: 0.9 }, { delimiter: '~', trust: 0.9 },
  { delimiter: ':', trust: 0.5, shy: true }, { delimiter: ' ', trust: 0.5, shy: true },
];

/** What "one column" scores when its lines are free text, and when they are values as a whole (timestamps, numbers). */
const ONE_COLUMN_TEXT = 0.02, ONE_COLUMN_VALUES = 0.95;

const HEAD_BYTES = 128 * 1024;
const MAX_RECORDS = 2000;

export type DialectShape = Pick<CsvDialect, 'delimiter' | 'quote' | 'escape'>;

export function detectDialect(samples: readonly Sample[], given: Partial<DialectShape>): DialectShape {
  const head = samples[0].bytes.subarray(0, HEAD_BYTES);
  const last = samples[0].last && head.length === samples[0].bytes.length;
  const quotes = given.quote === undefined ? quoteCandidates(head) : [given.quote];
  const shapes: { shape: DialectShape; score: number }[] = [];
  for (const candidate of delimiterCandidates(head, given.delimiter)) {
    for (const quote of quotes) {
      const shape = { delimiter: candidate.delimiter, quote, escape: given.escape ?? quote };
      shapes.push({ shape, score: scoreOf(candidate, look(shape, head, last)) });
    }
  }
  if (given.delimiter === undefined) {
    const shape = { delimiter: '', quote: given.quote ?? '', escape: given.escape ?? given.quote ?? '' };
    shapes.push({ shape, score: oneColumnScore(shape, head, last) });
  }
  // The first of equals: candidates are in order of preference.
  const best = shapes.reduce((a, b) => (b.score > a.score ? b : a));
  return refineQuoting(best.shape, samples, given);
}

function delimiterCandidates(head: Buffer, given: string | undefined): readonly Candidate[] {
  if (given !== undefined) return [{ delimiter: given, trust: 1 }];
  const found = CANDIDATES.filter(({ delimiter }) => head.includes(delimiter));
  // `a||b||c`: when the character never stands alone, the pair is the delimiter.
  return found.filter(({ delimiter }) => !(delimiter.length === 1 && found.some((other) => other.delimiter === delimiter + delimiter) && alwaysPaired(head, delimiter)));
}

function alwaysPaired(head: Buffer, character: string): boolean {
  return !new RegExp(`(^|[^${escapeRegExp(character)}])${escapeRegExp(character)}([^${escapeRegExp(character)}]|$)`).test(head.toString('latin1'));
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\^\]\\|.*+?()[{}$-]/g, String.raw`\$&`);
}

function quoteCandidates(head: Buffer): string[] {
  const quotes = ['"'];
  if (head.includes('"')) quotes.push('');
  if (/(^|[\n\r,;\t|])'/.test(head.toString('latin1'))) quotes.push("'");
  return quotes;
}

/** What a parse of the head says of a dialect. */
interface Look {
  records: number;
  malformed: number;
  /** Of the most frequent number of fields. */
  fields: number;
  share: number;
  /** Average over cells, 0 to 1. */
  purity: number;
  /** Part of the cells after the first record that are numbers, dates and the like. */
  typed: number;
  quotedCells: number;
  firstFields: number;
}

function look(shape: DialectShape, bytes: Buffer, last: boolean): Look {
  const parser = new RecordParser(dialectBytes({ ...shape, nullText: '', charset: 'utf-8' }));
  const byCount = new Map<number, number>();
  let cells = 0, purity = 0, typed = 0, typedOf = 0, quotedCells = 0, firstFields = 0, records = 0;
  const { malformed } = eachRecord(parser, bytes, last, () => {
    byCount.set(parser.count, (byCount.get(parser.count) ?? 0) + 1);
    if (records === 0) firstFields = parser.count;
    for (let i = 0; i < parser.count; i++) {
      const start = parser.starts[i], end = parser.ends[i];
      const isTyped = start < end && looksTyped(bytes, start, end);
      cells++;
      if (parser.kinds[i] !== PLAIN) quotedCells++;
      purity += isTyped || parser.kinds[i] !== PLAIN ? 1 : plainPurity(bytes, start, end);
      if (records > 0) {
        typedOf++;
        if (isTyped) typed++;
      }
    }
    return ++records < MAX_RECORDS;
  });
  const [fields, most] = [...byCount].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] > a[0]) ? b : a), [0, 0]);
  return {
    records, malformed, fields, share: records === 0 ? 0 : most / records, purity: cells === 0 ? 0 : purity / cells,
    typed: typedOf === 0 ? 0 : typed / typedOf, quotedCells, firstFields,
  };
}

const SEPARATORS = new Uint8Array(256);
for (const character of ',;\t|') SEPARATORS[character.charCodeAt(0)] = 1;

function plainPurity(bytes: Buffer, start: number, end: number): number {
  if (start === end) return 0.7;
  for (let i = start; i < end; i++) if (SEPARATORS[bytes[i]] === 1) return 0.3;
  // A quote at the edge of an unquoted field is a quote that was not understood.
  const first = bytes[start], last = bytes[end - 1];
  return first === 0x22 || last === 0x22 ? 0.4 : 0.8;
}

function scoreOf({ trust, shy }: Candidate, { records, malformed, fields, share, purity, typed, firstFields }: Look): number {
  if (records === 0 || fields < 2) return 0;
  if (shy === true && (share < 0.95 || (records > 1 && typed < 0.25) || records + malformed < 2)) return 0;
  if (trust < 1 && share < 0.8) return 0;
  if (share < 0.8 && firstFields < 2) return 0;
  return share ** 3 * (1 - 1 / fields) * purity * trust * wellFormed(records, malformed);
}

function wellFormed(records: number, malformed: number): number {
  return (records / (records + malformed)) ** 2;
}

function oneColumnScore(shape: DialectShape, head: Buffer, last: boolean): number {
  const { typed, records } = look(shape, head, last);
  return records > 1 && typed >= 0.95 ? ONE_COLUMN_VALUES : ONE_COLUMN_TEXT;
}

/** Given the delimiter: which quote and escape make more of all samples well-formed records of the right size. The first of equals wins. */
function refineQuoting(shape: DialectShape, samples: readonly Sample[], given: Partial<DialectShape>): DialectShape {
  const options: DialectShape[] = [];
  const quotes = given.quote !== undefined ? [given.quote] : shape.delimiter === '' ? ['', '"'] : shape.quote === "'" ? ["'", '"', ''] : ['"', ''];
  for (const quote of quotes) {
    if (given.escape !== undefined) {
      options.push({ ...shape, quote, escape: quote === '' ? '' : given.escape });
      continue;
    }
    options.push({ ...shape, quote, escape: quote });
    if (quote !== '' && samples.some(({ bytes }) => bytes.includes(`\\${quote}`))) options.push({ ...shape, quote, escape: '\\' });
  }
  if (options.length === 1) return options[0];
  let best = options[0];
  let bestScore = -1;
  for (const option of options) {
    const score = quotingScore(option, samples);
    if (score > bestScore + 1e-9) [best, bestScore] = [option, score];
  }
  return best;
}

function quotingScore(shape: DialectShape, samples: readonly Sample[]): number {
  const [head, ...windows] = samples as [Sample, ...Sample[]];
  const first = look(shape, head.bytes.subarray(0, HEAD_BYTES), head.last && head.bytes.length <= HEAD_BYTES);
  // One column: quotes count only where they are around whole lines.
  if (shape.delimiter === '') return wellFormed(first.records, first.malformed) * (shape.quote === '' ? 1 : 0.99 + 0.02 * Math.min(1, first.quotedCells / Math.max(1, first.records) / 0.5));
  const parser = new RecordParser(dialectBytes({ ...shape, nullText: '', charset: 'utf-8' }));
  let aligned = 0;
  for (const window of windows) if (alignWindow(parser, window.bytes, first.fields) !== undefined) aligned++;
  const share = windows.length === 0 ? 1 : (1 + aligned) / (1 + windows.length);
  return first.share ** 3 * (1 - 1 / Math.max(first.fields, 1)) * first.purity * wellFormed(first.records, first.malformed) * share;
}
