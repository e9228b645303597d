/** The page: one document for all of its places, and its assets, to anybody and without data. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SluiceError } from '../../errors/sluice-error.ts';
import { pageAsset, pageDocuments } from '../contracts/page.ts';
import { STREAMED, type Router } from '../http/router.ts';
import { PAGE_HEADERS } from '../http/security-headers.ts';
import { PageFiles, type PageFile } from '../page/page-files.ts';

/** The names of assets change with their content. */
const FOR_EVER = 'public, max-age=31536000, immutable';
const NOT_BUILT = '<!doctype html><meta charset="utf-8"><title>Sluice</title><p>The page was not built. In a checkout: <code>npm run build</code>. The HTTP API works without it.</p>';

export class Page {
  readonly #files = new PageFiles();

  /** Answers with the document. @param status 401 where what the browser followed was no good; the page says so */
  async sendDocument(request: FastifyRequest, reply: FastifyReply, status = 200): Promise<void> {
    void reply.code(status).headers(PAGE_HEADERS).header('cache-control', 'no-cache');
    const file = await this.#files.document();
    if (file === undefined) await reply.header('content-type', 'text/html; charset=utf-8').send(NOT_BUILT);
    else await send(file, request, reply);
  }

  /** @throws SluiceError ROUTE_UNKNOWN */
  async sendAsset(name: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const file = await this.#files.asset(name);
    if (file === undefined) throw new SluiceError('ROUTE_UNKNOWN', { method: 'GET', path: `/assets/${name}` });
    void reply.headers(PAGE_HEADERS).header('cache-control', FOR_EVER);
    await send(file, request, reply);
  }
}

export function bindPage(router: Router, page: Page): void {
  for (const contract of pageDocuments) {
    router.bind(contract, async ({ request, reply }): Promise<typeof STREAMED> => {
      await page.sendDocument(request, reply);
      return STREAMED;
    });
  }
  router.bind(pageAsset, async ({ params, request, reply }): Promise<typeof STREAMED> => {
    await page.sendAsset(params.file, request, reply);
    return STREAMED;
  });
}

async function send({ mediaType, plain, gzipped }: PageFile, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  void reply.headers({ 'content-type': mediaType, vary: 'Accept-Encoding' });
  const zipped = gzipped !== undefined && /\bgzip\b/i.test(request.headers['accept-encoding'] ?? '') ? gzipped : undefined;
  if (zipped !== undefined) void reply.header('content-encoding', 'gzip');
  await reply.send(zipped ?? plain);
}
