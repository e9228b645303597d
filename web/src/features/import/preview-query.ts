import { queryOptions } from '@tanstack/react-query';
import type { AnswerOf } from '../../../../src/server/contracts/route-contract.ts';
import type { previewBody } from '../../../../src/server/contracts/transfers.ts';
import { addressOf, answerOf, send } from '../../api/client.ts';

export type Preview = AnswerOf<typeof previewBody>;
export type PreviewedTable = Preview['tables'][number];

/** What is chosen to be read otherwise than it was detected. */
export interface Reading {
  readonly format?: string;
  readonly delimiter?: string;
  readonly header?: string;
  readonly nullText?: string;
  readonly charset?: string;
  readonly jsonPath?: string;
}

export type ImportSource = { readonly kind: 'file'; readonly files: readonly File[] } | { readonly kind: 'server' | 'url'; readonly source: string };

/** As the server reads so much of a head, and no more. */
const HEAD_BYTES = 6 * 2 ** 20 - 1024;

export const previewQuery = (source: ImportSource, reading: Reading) => queryOptions({
  queryKey: ['preview', source.kind, source.kind === 'file' ? source.files.map((file) => `${file.name} ${file.size} ${file.lastModified}`) : source.source, reading],
  staleTime: Infinity, retry: false,
  queryFn: async ({ signal }) => {
    const [file] = source.kind === 'file' ? source.files : [];
    const isWhole = file !== undefined && file.size <= HEAD_BYTES;
    const named = source.kind === 'file' ? { name: file?.name, whole: isWhole } : { source: source.source };
    const response = await send(addressOf('/api/v1/previews', {}, { ...named, ...reading, rows: 40 }), {
      method: 'POST', signal, headers: { accept: 'application/json' }, ...(file === undefined ? {} : { body: isWhole ? file : file.slice(0, HEAD_BYTES) }),
    });
    return await answerOf(response) as Preview;
  },
});
