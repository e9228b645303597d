/** What formats of text have in common about character sets: their names, and how a source becomes UTF-8 where it cannot be taken apart as it is. */
import { SluiceError } from '../errors/sluice-error.ts';

export type CharsetName = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1' | 'windows-1252';

/** As people write them, in lower case. */
export const CHARSETS: Readonly<Record<string, CharsetName>> = {
  'utf-8': 'utf-8', utf8: 'utf-8', ascii: 'utf-8', 'us-ascii': 'utf-8',
  'utf-16le': 'utf-16le', utf16le: 'utf-16le', 'utf-16': 'utf-16le', utf16: 'utf-16le', 'ucs-2': 'utf-16le',
  'utf-16be': 'utf-16be', utf16be: 'utf-16be',
  latin1: 'latin1', 'latin-1': 'latin1', 'iso-8859-1': 'latin1', 'iso8859-1': 'latin1',
  'windows-1252': 'windows-1252', windows1252: 'windows-1252', cp1252: 'windows-1252', win1252: 'windows-1252', 'win-1252': 'windows-1252',
};

/** @throws SluiceError OPTION_UNSUPPORTED */
export function parseCharset(name: string, format: string): CharsetName {
  const key = name.toLowerCase().replaceAll(/[_ ]/g, '-');
  if (Object.hasOwn(CHARSETS, key)) return CHARSETS[key];
  throw new SluiceError('OPTION_UNSUPPORTED', { option: `--encoding ${name}`, context: `for ${format}` });
}

/** The chunks in UTF-8, without byte order mark. @throws SluiceError ENCODING_INVALID, without a place */
export async function* decodedChunks(chunks: AsyncIterable<Uint8Array>, charset: 'utf-16le' | 'utf-16be' | 'windows-1252', source: string): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new TextDecoder(charset, { fatal: true });
  const encoder = new TextEncoder();
  const decode = (chunk?: Uint8Array): Uint8Array => {
    try {
      return encoder.encode(chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }));
    } catch (error) {
      throw new SluiceError('ENCODING_INVALID', { source, encoding: charset }, { file: source }, error);
    }
  };
  for await (const chunk of chunks) yield decode(chunk);
  yield decode();
}
