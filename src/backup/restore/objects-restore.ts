/** Large objects, side by side, and the values of sequences, by the hundred. */
import type { RestoreLargeObject, RestoreSequence, RestoreTarget } from '../../connectors/restore-target.ts';
import { toSluiceError } from '../../errors/sluice-error.ts';
import { throwIfCancelled } from '../../io/cancellation.ts';
import type { MissingPart } from '../../pipeline/transfer.ts';
import type { TableName } from '../../rows/table-schema.ts';
import type { RestoreSource } from './restore-source.ts';
import { isDamage } from './row-restore.ts';

const SEQUENCES_AT_ONCE = 200;

export interface LargeObjectOptions {
  readonly signal: AbortSignal;
  readonly noPrivileges: boolean;
  readonly noComments: boolean;
  readonly onDamage: ((part: MissingPart) => void) | undefined;
}

export async function restoreLargeObjects(source: RestoreSource, target: RestoreTarget, options: LargeObjectOptions): Promise<void> {
  const { signal, onDamage } = options;
  const done = await target.largeObjectsDone();
  const objects = source.largeObjects(signal)[Symbol.asyncIterator]();
  let failed = false;
  const worker = async (): Promise<void> => {
    try {
      while (!failed) {
        throwIfCancelled(signal);
        const next = await objects.next();
        if (next.done === true) return;
        const { chunks, ...object } = next.value;
        if (done.has(object.oid)) continue;
        await target.writeLargeObject(wanted(object, options), chunks).catch((error: unknown) => {
          if (onDamage === undefined || !isDamage(error)) throw error;
          onDamage({ table: `large object ${object.oid}`, place: 'the whole object', reason: toSluiceError(error).message });
        });
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: source.largeObjectsAtOnce ? target.jobs : 1 }, worker));
  await objects.return?.();
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

function wanted({ attributes, ...object }: RestoreLargeObject, { noPrivileges, noComments }: LargeObjectOptions): RestoreLargeObject {
  return attributes === undefined ? object : { ...object, attributes: { owner: attributes.owner, acl: noPrivileges ? null : attributes.acl, comment: noComments ? null : attributes.comment } };
}

export async function restoreSequences(source: RestoreSource, target: RestoreTarget, wants: (name: TableName) => boolean): Promise<void> {
  let batch: RestoreSequence[] = [];
  for await (const sequence of source.sequences()) {
    if (!wants(sequence)) continue;
    batch.push(sequence);
    if (batch.length < SEQUENCES_AT_ONCE) continue;
    await target.setSequences(batch);
    batch = [];
  }
  await target.setSequences(batch);
}
