import { columnTypeOf } from '../../engine/column-types.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import type { Column } from '../../rows/table-schema.ts';
import type { InspectedSource, ReadOptions } from '../format.ts';
import { localSource, releaseLocal } from './local-copy.ts';
import { describeParquet, withEngine } from './parquet-file.ts';

/** Everything is in the file's own footer, so a sample and a full look are the same. Types given by the user replace the file's. */
export async function inspectParquet(source: ByteSource, options: ReadOptions, depth: 'sample' | 'full', signal: AbortSignal): Promise<InspectedSource> {
  const local = await localSource(source, signal);
  try {
    const facts = await withEngine(undefined, (connection) => describeParquet(connection, local.path, source.name, signal));
    const columns = facts.columns.map(({ name, type }): Column => ({
      name, type: options.types?.[name] ?? columnTypeOf(type), nullable: true,
      ...(options.types?.[name] === undefined ? { nativeType: type.sql } : {}),
    }));
    return {
      source: local, format: 'parquet', options, depth,
      tables: [{ columns, estimatedRows: facts.rows }],
      details: {
        rows: facts.rows, rowGroups: facts.rowGroups, ...(facts.createdBy === '' ? {} : { createdBy: facts.createdBy }),
        ...(facts.int96.size === 0 ? {} : { int96: 'timestamps with microseconds; finer digits are cut off' }),
      },
    };
  } catch (error) {
    await releaseLocal(local);
    throw error;
  }
}
