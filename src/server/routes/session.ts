import type { FastifyReply } from 'fastify';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ServerContext } from '../context.ts';
import { createToken, followLink, listTokens, revokeToken, showSession, signIn, signOut, type Principal } from '../contracts/session.ts';
import type { Gate } from '../http/gate.ts';
import { STREAMED, type Router } from '../http/router.ts';
import type { Holder } from '../store/credentials.ts';
import type { Page } from './page.ts';

export interface SessionCookie {
  readonly name: () => string;
  /** The browser reaches the server by https. */
  readonly isSecure: boolean;
}

// oxlint-disable-next-line max-params -- put together in one place
export function bindSession(router: Router, { credentials }: ServerContext, gate: Gate, page: Page, cookie: SessionCookie): void {
  const setCookie = (reply: FastifyReply, value: string, seconds: number): void => {
    void reply.header('set-cookie', `${cookie.name()}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${cookie.isSecure ? '; Secure' : ''}`);
  };
  const begin = (secret: string, reply: FastifyReply): Holder => {
    const { session, holder } = credentials.signIn(secret);
    setCookie(reply, session, Math.floor((holder.expiresAt - Date.now()) / 1000));
    return holder;
  };
  router.bind(signIn, ({ body, request, reply }) => gate.guarded(request, () => principalOf(begin((body.code ?? body.token)!, reply))));
  router.bind(followLink, async ({ query: { code }, request, reply }): Promise<typeof STREAMED> => {
    const isBrowser = /\btext\/html\b/i.test(request.headers.accept ?? '');
    if (code === undefined) {
      await page.sendDocument(request, reply);
      return STREAMED;
    }
    try {
      gate.guarded(request, () => begin(code, reply));
    } catch (error) {
      // To a person the page says what is wrong, and how to get another link.
      if (!isBrowser || !(error instanceof SluiceError) || error.code !== 'SIGN_IN_NEEDED') throw error;
      await page.sendDocument(request, reply, error.httpStatus);
      return STREAMED;
    }
    void reply.code(303).header('location', '/').send();
    return STREAMED;
  });
  router.bind(showSession, ({ holder }) => principalOf(holder));
  router.bind(signOut, ({ holder, reply }) => {
    if (holder.kind === 'session') credentials.endSession(holder.id);
    setCookie(reply, '', 0);
  });
  router.bind(listTokens, () => ({ items: credentials.listTokens() }));
  router.bind(createToken, ({ body }) => credentials.createToken(body.name, body.role, body.days));
  router.bind(revokeToken, ({ params }) => credentials.revokeToken(params.token));
}

function principalOf({ name, role, kind, expiresAt }: Holder): Principal {
  return { name, role, kind, expiresAt };
}
