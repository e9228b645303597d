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
  const { bytes: head, last } = headOf(samples[0]);
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

/** As much of the head as detection looks at: all of it when its first lines are long. */
function headOf({ bytes, last }: Sample): { bytes: Buffer; last: boolean } {
  const short = bytes.subarray(0, HEAD_BYTES);
  const lines = short.subarray(0, HEAD_BYTES / 2);
  const enough = short.length === bytes.length || lines.includes(0x0a) || lines.includes(0x0d);
  return enough ? { bytes: short, last: last && short.length === bytes.length } : { bytes, last };
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
  cells: number;
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
    typed: typedOf === 0 ? 0 : typed / typedOf, cells, quotedCells, firstFields,
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
  // A preamble before the table is no reason to see no table: reading will say where the numbers of fields differ.
  if (share < 0.5 && firstFields < 2) return 0;
  return share ** 3 * (1 - 1 / fields) * purity * trust * wellFormed(records, malformed);
}

function wellFormed(records: number, malformed: number): number {
  return (records / (records + malformed)) ** 2;
}

function oneColumnScore(shape: DialectShape, head: Buffer, last: boolean): number {
  const { typed, records } = look(shape, head, last);
  return records > 1 && typed >= 0.95 ? ONE_COLUMN_VALUES : ONE_COLUMN_TEXT;
}

/** Given the delimiter: which quote and escape make more of all samples well-formed records of the right size. */
function refineQuoting(shape: DialectShape, samples: readonly Sample[], given: Partial<DialectShape>): DialectShape {
  if (given.quote !== undefined && (given.quote === '' || given.escape !== undefined)) return { ...shape, quote: given.quote, escape: given.quote === '' ? '' : given.escape! };
  if (shape.delimiter === '' && given.quote === undefined) return quotesAroundLines(samples[0]) ? { ...shape, quote: '"', escape: '"' } : { ...shape, quote: '', escape: '' };
  const quote = given.quote ?? (shape.quote === "'" ? "'" : '"');
  let best = { ...shape, quote, escape: given.escape ?? quote };
  let found = wellFormedShare(best, samples);
  if (given.escape === undefined && samples.some(({ bytes }) => bytes.includes(`\\${quote}`))) {
    const escaped = { ...best, escape: '\\' };
    const other = wellFormedShare(escaped, samples);
    if (other.score > found.score + 1e-9) [best, found] = [escaped, other];
  }
  if (given.quote !== undefined) return best;
  const plain = { ...shape, quote: '', escape: '' };
  return quotesAreText(found, wellFormedShare(plain, samples)) ? plain : best;
}

interface QuotingLook extends Look {
  /** How regular the samples are, and the same less for malformed records. */
  readonly regularity: number;
  readonly score: number;
}

/** Quotes belong to the text where records are more regular without them, or as regular and a few quotes are not well-formed. */
function quotesAreText(quoted: QuotingLook, plain: QuotingLook): boolean {
  if (plain.share >= 0.9 && plain.regularity > quoted.regularity + 0.02) return true;
  return quoted.malformed > 0 && quoted.quotedCells <= 0.2 * quoted.cells && plain.share >= 0.98;
}

function wellFormedShare(shape: DialectShape, samples: readonly Sample[]): QuotingLook {
  const [first, ...windows] = samples as [Sample, ...Sample[]];
  const { bytes, last } = headOf(first);
  const head = look(shape, bytes, last);
  const parser = new RecordParser(dialectBytes({ ...shape, nullText: '', charset: 'utf-8' }));
  const aligned = windows.filter((window) => alignWindow(parser, window.bytes, head.fields) !== undefined).length;
  const regularity = (head.share ** 3 * (1 + aligned)) / (1 + windows.length);
  return { ...head, regularity, score: regularity * head.purity * wellFormed(head.records, head.malformed) };
}

/** In one column quotes mean something when those that begin a line are around all of it. A file without any may have some later. */
function quotesAroundLines(sample: Sample): boolean {
  const { bytes, last } = headOf(sample);
  return look({ delimiter: '', quote: '"', escape: '"' }, bytes, last).malformed === 0;
}
