import { SluiceError } from '../../errors/sluice-error.ts';
import type { Charset } from './charset.ts';

/**
 * How a CSV source is written. Plain data: it is part of the inspected details and of the plan.
 *
 * A record ends at LF, CR LF or CR outside quotes. A field is quoted when its first byte is the quote; a quote anywhere else in an unquoted field is
 * an ordinary character. Inside quotes the quote is written twice, or after `escape`; an escape before any other byte is an ordinary character.
 */
export interface CsvDialect {
  /** One ASCII character or several; '' = one column, nothing separates. */
  readonly delimiter: string;
  /** One ASCII character; '' = no quoting. */
  readonly quote: string;
  /** One ASCII character, the quote itself when quotes are doubled. */
  readonly escape: string;
  /** Unquoted field text that means NULL. */
  readonly nullText: string;
  readonly charset: Charset;
}

/** The dialect in bytes, for parsers; -1 where there is none. UTF-16 sources are parsed as the UTF-8 that they are turned into. */
export interface DialectBytes {
  readonly delimiter: Uint8Array;
  readonly quote: number;
  readonly escape: number;
  readonly nullText: Uint8Array;
}

export function dialectBytes(dialect: CsvDialect): DialectBytes {
  const nullEncoding = dialect.charset === 'latin1' || dialect.charset === 'windows-1252' ? 'latin1' : 'utf8';
  return {
    delimiter: Buffer.from(dialect.delimiter),
    quote: dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0),
    escape: dialect.quote === '' ? -1 : dialect.escape.charCodeAt(0),
    nullText: Buffer.from(dialect.nullText, nullEncoding),
  };
}

/** @throws SluiceError OPTION_UNSUPPORTED for a quote, escape or delimiter that cannot be one */
export function checkDialectOptions(options: { delimiter?: string; quote?: string; escape?: string; nullText?: string }): void {
  const { delimiter = ',', quote = '"', escape = '"' } = options;
  const refuse = (option: string, value: string, context: string): never => {
    throw new SluiceError('OPTION_UNSUPPORTED', { option: `--${option} ${JSON.stringify(value)}`, context });
  };
  if (!Array.from(delimiter).every(isPlainAscii) || delimiter.length > 8) refuse('delimiter', delimiter, '(ASCII characters, no line ends, at most 8)');
  if (overlapsItself(delimiter)) refuse('delimiter', delimiter, '(its end repeats its beginning)');
  if (quote !== '' && !isPlainAscii(quote)) refuse('quote', quote, '(one ASCII character, or empty for none)');
  if (escape !== '' && !isPlainAscii(escape)) refuse('escape', escape, '(one ASCII character)');
  if (delimiter !== '' && (delimiter.includes(quote === '' ? '\n' : quote))) refuse('delimiter', delimiter, 'together with the quote');
  if (options.nullText !== undefined && (/[\r\n]/.test(options.nullText) || (delimiter !== '' && options.nullText.includes(delimiter)))) {
    refuse('null', options.nullText, '(no line end, no delimiter)');
  }
}

/** `aba`, not `::`: where one ends could be where the next begins, so that looking back is not enough to find one. */
function overlapsItself(delimiter: string): boolean {
  if (new Set(delimiter).size <= 1) return false;
  return Array.from({ length: delimiter.length - 1 }, (_, i) => i + 1).some((length) => delimiter.startsWith(delimiter.slice(-length)));
}

/** One ASCII character that can neither end a line nor be a NUL. */
function isPlainAscii(character: string): boolean {
  const code = character.charCodeAt(0);
  return character.length === 1 && code > 0 && code < 0x80 && code !== 0x0a && code !== 0x0d;
}
