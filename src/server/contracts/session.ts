import { z } from 'zod';
import { roleName, time } from './common.ts';
import { route } from './route-contract.ts';

export const principal = z.object({
  name: z.string(),
  role: roleName,
  kind: z.enum(['token', 'session']),
  expiresAt: time,
});
export type Principal = z.infer<typeof principal>;

const token = z.object({
  id: z.string(),
  name: z.string(),
  role: roleName,
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.nullable(),
  revokedAt: time.nullable(),
});
export type TokenListing = z.infer<typeof token>;

const LONGEST_DAYS = 3650;

export const signIn = route({
  id: 'signIn', method: 'POST', path: '/api/v1/session', access: 'public', tag: 'sign-in',
  summary: 'Sign a browser in, with the code of a one-time link or with a token',
  body: z.strictObject({ code: z.string().max(200).optional(), token: z.string().max(200).optional() })
    .refine((body) => (body.code === undefined) !== (body.token === undefined), 'must have either code or token'),
  success: { status: 200, description: 'Signed in; the session is in a cookie that scripts cannot read', body: principal },
});

export const followLink = route({
  id: 'followLink', method: 'GET', path: '/sign-in', access: 'public', tag: 'sign-in',
  summary: 'The one-time link: signs in and leads to the page; without a code, the page that asks for one',
  query: z.object({ code: z.string().max(200).optional() }),
  success: { status: 303, description: 'Signed in' },
});

export const showSession = route({
  id: 'showSession', method: 'GET', path: '/api/v1/session', access: 'viewer', tag: 'sign-in',
  summary: 'Who is signed in',
  success: { status: 200, description: 'The holder of the token or session', body: principal },
});

export const signOut = route({
  id: 'signOut', method: 'DELETE', path: '/api/v1/session', access: 'viewer', tag: 'sign-in',
  summary: 'End the session of this browser',
  success: { status: 204, description: 'Signed out' },
});

export const listTokens = route({
  id: 'listTokens', method: 'GET', path: '/api/v1/tokens', access: 'admin', tag: 'sign-in',
  summary: 'All tokens, without their secrets',
  success: { status: 200, description: 'Newest first', body: z.object({ items: z.array(token) }) },
});

export const createToken = route({
  id: 'createToken', method: 'POST', path: '/api/v1/tokens', access: 'admin', tag: 'sign-in',
  summary: 'Make a token; it is shown only this once',
  body: z.strictObject({ name: z.string().min(1).max(100), role: roleName, days: z.int().min(1).max(LONGEST_DAYS).default(90) }),
  success: { status: 201, description: 'The token', body: token.extend({ token: z.string() }) },
});

export const revokeToken = route({
  id: 'revokeToken', method: 'DELETE', path: '/api/v1/tokens/{token}', access: 'admin', tag: 'sign-in',
  summary: 'Revoke a token at once',
  params: z.object({ token: z.string().max(100) }),
  success: { status: 204, description: 'Revoked' },
});

export const sessionContracts = [signIn, followLink, showSession, signOut, listTokens, createToken, revokeToken] as const;
