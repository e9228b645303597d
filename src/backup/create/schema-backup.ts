import { hash } from 'node:crypto';
import type { BackupSource } from '../../connectors/backup-source.ts';
import type { BackupWriter } from '../repository/backup-writer.ts';
import type { Content } from '../repository/content.ts';
import type { Manifest } from '../repository/manifest.ts';

/** Stores the schema: the archive that a restore reads, and SQL for people. Null where it was not asked for. */
export async function backUpSchema(source: BackupSource, writer: BackupWriter, level: number | undefined, signal: AbortSignal): Promise<Manifest['schema']> {
  if (source.schemaWriter === undefined) return null;
  const content = writer.content({ level });
  const stored = async (bytes: AsyncIterable<Uint8Array>): Promise<Content> => {
    for await (const chunk of bytes) await content.write(chunk);
    return content.end();
  };
  const dump = source.dumpSchema(signal);
  const archive = await stored(dump.archive());
  const seal = hash('sha256', archive.chunks.join('')).slice(0, 32);
  const again = (): AsyncIterable<Uint8Array> => writer.read(archive);
  const preData = await stored(dump.plain('pre-data', seal, again)), postData = await stored(dump.plain('post-data', seal, again));
  content.release();
  return { writer: source.schemaWriter, archive, preData, postData, unfilled: [...source.unfilled] };
}
