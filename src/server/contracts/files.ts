import { z } from 'zod';
import { cursor, page } from './common.ts';
import { count } from './common.ts';
import { route } from './route-contract.ts';

export const listFiles = route({
  id: 'listFiles', method: 'GET', path: '/api/v1/files', access: 'operator', tag: 'files',
  summary: 'Files that runs may read: the folders of the server, or what is in one of them',
  query: z.object({ path: z.string().min(1).max(4000).optional(), cursor: cursor.optional(), limit: count(1, 1000).default(200) }),
  success: {
    status: 200, description: 'A page, by name',
    body: page(z.object({ path: z.string(), name: z.string(), kind: z.enum(['file', 'folder']), bytes: z.number().nullable(), modifiedAt: z.number().nullable() })),
  },
});

export const fileContracts = [listFiles] as const;
