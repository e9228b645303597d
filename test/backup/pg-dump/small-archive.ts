/** A small archive without a server: what its entries are is said here. */
import type { DumpSection } from '../../../src/backup/pg-dump/dump-archive.ts';
import type { ContentEntry } from './write-archive.ts';

type Part = Partial<ContentEntry> & { readonly sql?: string; readonly copy?: string };

/** An entry with what is usual for the rest. */
export function contentEntry(dumpId: number, description: string, tag: string, { sql = '', copy = '', ...rest }: Part = {}): ContentEntry {
  const section: DumpSection = description.endsWith('DATA') || description === 'BLOBS' ? 'data' : 'pre-data';
  return { dumpId, catalogOid: 0, oid: 0, tag, description, section, namespace: '', tablespace: null, accessMethod: null, relkind: null, owner: '', dependencies: [], statements: { definition: sql, dropStatement: '', copyStatement: copy }, ...rest };
}

export const SMALL: readonly ContentEntry[] = [
  contentEntry(1, 'ENCODING', 'ENCODING', { sql: "SET client_encoding = 'UTF8';\n" }),
  contentEntry(2, 'TABLE', 'cities', { sql: 'CREATE TABLE public.cities (name text);\n', namespace: 'public', owner: 'owner', catalogOid: 1259, oid: 16384 }),
  contentEntry(3, 'TABLE DATA', 'cities', { copy: 'COPY public.cities (name) FROM stdin;\n', namespace: 'public', dependencies: [2], data: Buffer.from('Zürich\nGenève\nZürich\nGenève\n\\.\n\n\n') }),
  contentEntry(4, 'BLOBS', 'BLOBS', { largeObjects: [[5, Buffer.from('five')], [4_000_000_000, Buffer.alloc(0)]] }),
];
