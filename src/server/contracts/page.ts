/**
 * What a browser gets without a token: the page's own files, which hold no data and are the same for everybody. They are no part of the API and not in its description; this list is all of
 * them. The paths below `PAGE_PATHS` are places of the page, all answered by one document, which then asks the API as whoever is signed in.
 */
import { z } from 'zod';
import { route } from './route-contract.ts';

export const PAGE_TAG = 'page';

/** `{rest}` stands for any number of steps. */
export const PAGE_PATHS = ['/', '/import', '/data', '/data/{rest}', '/runs', '/runs/{rest}', '/backups', '/backups/{rest}', '/connections', '/connections/{rest}', '/performance', '/settings'] as const;

export const pageDocuments = PAGE_PATHS.map((path) => route({
  id: `page ${path}`, method: 'GET', path, access: 'public', tag: PAGE_TAG,
  summary: 'The page',
  success: { status: 200, description: 'HTML', mediaTypes: ['text/html'] },
}));

export const pageAsset = route({
  id: 'pageAsset', method: 'GET', path: '/assets/{file}', access: 'public', tag: PAGE_TAG,
  summary: 'A script, style sheet, font or picture of the page',
  params: z.object({ file: z.string().max(200) }),
  success: { status: 200, description: 'The file', mediaTypes: ['text/javascript', 'text/css', 'font/woff2', 'image/svg+xml'] },
});
