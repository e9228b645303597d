/** The text of an archive is in the encoding of the dumped database, or the one that `pg_dump --encoding` was given. */
import { TextDecoder } from 'node:util';
import { unsupportedArchive } from './archive-errors.ts';

/**
 * PostgreSQL's names, and what the Encoding Standard calls the same. Others can be restored as long as names and SQL are ASCII: data are not decoded. Node's euc-kr has only the characters of EUC_KR: the others of UHC are
 * refused.
 */
const LABELS: Readonly<Record<string, string>> = {
  UTF8: 'utf-8', UNICODE: 'utf-8',
  LATIN2: 'iso-8859-2', LATIN3: 'iso-8859-3', LATIN4: 'iso-8859-4', LATIN5: 'windows-1254', LATIN6: 'iso-8859-10', LATIN7: 'iso-8859-13', LATIN8: 'iso-8859-14', LATIN9: 'iso-8859-15', LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5', ISO_8859_6: 'iso-8859-6', ISO_8859_7: 'iso-8859-7', ISO_8859_8: 'iso-8859-8',
  WIN1250: 'windows-1250', WIN1251: 'windows-1251', WIN1252: 'windows-1252', WIN1253: 'windows-1253', WIN1254: 'windows-1254', WIN1255: 'windows-1255', WIN1256: 'windows-1256', WIN1257: 'windows-1257', WIN1258: 'windows-1258',
  WIN866: 'ibm866', WIN874: 'windows-874', KOI8R: 'koi8-r', KOI8U: 'koi8-u',
  EUC_JP: 'euc-jp', SJIS: 'shift_jis', EUC_KR: 'euc-kr', UHC: 'euc-kr', EUC_CN: 'gbk', GBK: 'gbk', GB18030: 'gb18030', BIG5: 'big5',
};

const ASCII = /^[\0-\x7f]*$/;

export class ArchiveText {
  readonly encoding: string;
  readonly #source: string;
  readonly #decoder: TextDecoder | undefined;

  /** @param encoding PostgreSQL's name of it */
  constructor(encoding: string, source: string) {
    this.encoding = encoding;
    this.#source = source;
    // SQL_ASCII says nothing of the bytes; nowadays they are UTF-8 more often than not, and if they are not, that shows.
    const label = encoding === 'SQL_ASCII' ? 'utf-8' : LABELS[encoding];
    this.#decoder = label === undefined ? undefined : new TextDecoder(label, { fatal: true, ignoreBOM: true });
  }

  /** @throws SluiceError ARCHIVE_UNSUPPORTED */
  decode(bytes: Buffer): string {
    const latin1 = bytes.toString('latin1');
    if (this.encoding === 'LATIN1' || ASCII.test(latin1)) return latin1;
    try {
      if (this.#decoder !== undefined) return this.#decoder.decode(bytes);
    } catch {
      // falls through
    }
    throw unsupportedArchive(this.#source, `a name or statement of it is not valid ${this.encoding === 'SQL_ASCII' ? 'UTF-8 (its database has the encoding SQL_ASCII)' : this.encoding}`, 'Restore it with pg_restore, or dump again with --encoding=UTF8.');
  }
}
