import type { FastifyReply } from 'fastify';
import type { ServerContext } from '../context.ts';
import { createToken, followLink, listTokens, revokeToken, showSession, signIn, signOut, type Principal } from '../contracts/session.ts';
import type { Gate } from '../http/gate.ts';
import { STREAMED, type Router } from '../http/router.ts';
import type { Holder } from '../store/credentials.ts';

export interface SessionCookie {
  readonly name: () => string;
  /** The browser reaches the server by https. */
  readonly isSecure: boolean;
}

export function bindSession(router: Router, { credentials }: ServerContext, gate: Gate, cookie: SessionCookie): void {
  const setCookie = (reply: FastifyReply, value: string, seconds: number): void => {
    void reply.header('set-cookie', `${cookie.name()}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${cookie.isSecure ? '; Secure' : ''}`);
  };
  const begin = (secret: string, reply: FastifyReply): Holder => {
    const { session, holder } = credentials.signIn(secret);
    setCookie(reply, session, Math.floor((holder.expiresAt - Date.now()) / 1000));
    return holder;
  };
  router.bind(signIn, ({ body, request, reply }) => gate.guarded(request, () => principalOf(begin((body.code ?? body.token)!, reply))));
  router.bind(followLink, ({ query, request, reply }): typeof STREAMED => {
    gate.guarded(request, () => begin(query.code, reply));
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
