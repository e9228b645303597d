/** Every chunk that a backup refers to, with what it is of, read list by list in constant memory. */
import type { SluiceError } from '../../errors/sluice-error.ts';
import type { Content } from './content.ts';
import { largeObjectEntrySchema, partEntrySchema, readList, tableEntrySchema } from './entry-list.ts';
import type { Manifest } from './manifest.ts';
import type { ChunkId } from './object-names.ts';
import type { Repository } from './repository.ts';

export interface Reference {
  readonly chunk: ChunkId;
  readonly backup: string;
  /** `the list of tables`, `the schema`, `table public.cities, pages 0 to 511`: for people, and the same for chunks of one thing. */
  readonly of: string;
}

/** @param onDamage lists that cannot be read are passed over, as far as they cannot, and told here */
export async function* readReferences({ chunks }: Repository, manifest: Manifest, onDamage: (error: SluiceError, of: string) => void): AsyncGenerator<Reference, void, undefined> {
  const { backup } = manifest;
  const reader = (of: string): { backup: string; onDamage: (error: SluiceError) => void } => ({ backup, onDamage: (error) => onDamage(error, of) });
  for (const [of, content] of ownContents(manifest)) yield* referencesOf(content, backup, of);
  for await (const table of readList(chunks, manifest.tables, tableEntrySchema, reader('the list of tables'))) {
    const name = `table ${table.schema}.${table.name}`;
    yield* referencesOf(table.parts, backup, `${name}, its list of parts`);
    for await (const part of readList(chunks, table.parts, partEntrySchema, reader(`${name}, its list of parts`))) {
      const of = part.pages === null ? name : `${name}, pages ${part.pages[0]} to ${part.pages[1] - 1}`;
      for (const chunk of part.chunks) yield { chunk, backup, of };
    }
  }
  for await (const object of readList(chunks, manifest.largeObjects, largeObjectEntrySchema, reader('the list of large objects'))) {
    yield* referencesOf(object.content, backup, `large object ${object.oid}`);
  }
}

function ownContents({ schema, tables, sequences, largeObjects }: Manifest): [of: string, content: Content][] {
  const ofSchema: [string, Content | null][] = schema === null ? [] : [['the schema archive', schema.archive], ['the schema before the data', schema.preData], ['the schema after the data', schema.postData]];
  const all: [string, Content | null][] = [['the list of tables', tables], ['the list of sequences', sequences], ['the list of large objects', largeObjects], ...ofSchema];
  return all.filter((one): one is [string, Content] => one[1] !== null);
}

function* referencesOf(content: Content, backup: string, of: string): Generator<Reference, void, undefined> {
  for (const chunk of content.chunks) yield { chunk, backup, of };
}
