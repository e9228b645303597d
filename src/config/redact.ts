/**
 * Takes secrets out of anything that is stored, printed or logged: passwords in URLs, secret URL parameters, and values under
 * keys that name a secret. Works on text and not on parsed URLs because messages, plans and SQL contain URLs amid other words,
 * and because a URL that does not parse may hold a password all the same.
 */

// The user part runs to the last @ before the host's end: a password may contain an unescaped @, and often does by mistake.
const USER_INFO = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s/?#"'<>]*)@/gi;

const SECRET_PARAMETER =
  /([?&;](?:password|passwd|pwd|sslpassword|token|access_token|auth|authorization|sig|signature|secret|api_?key|key|x-amz-signature|x-amz-credential|x-amz-security-token)=)[^&\s#"'<>]*/gi;

const KEYWORD_PASSWORD = /\b((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s'"&,;)]+)/gi;

const SECRET_KEY = /^(?:.*[_-])?(?:password|passwd|passphrase|secret|token|api_?key)$/i;

/** The text without secrets: `postgres://me:pw@host/db` becomes `postgres://me@host/db`, `?password=pw` becomes `?password=***`. */
export function redactText(text: string): string {
  return text
    .replace(USER_INFO, (_, scheme: string, user: string) => `${scheme}${userName(user)}`)
    .replace(SECRET_PARAMETER, '$1***')
    .replace(KEYWORD_PASSWORD, '$1***');
}

/** The same plain data with every text redacted and every value under a key such as `password` or `api_key` replaced. Keys stay. */
export function redactData<T>(value: T): T {
  return redactValue(value) as T;
}

function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (value === null || typeof value !== 'object') return value;
  if ('toJSON' in value && typeof value.toJSON === 'function') return redactValue(value.toJSON());
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactMember(key, inner)]));
}

function redactMember(key: string, value: unknown): unknown {
  return typeof value === 'string' && SECRET_KEY.test(key) ? '***' : redactValue(value);
}

function userName(userInfo: string): string {
  const name = userInfo.split(':', 1)[0];
  return name === '' ? '' : `${name}@`;
}
