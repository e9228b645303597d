/**
 * The password file of libpq (PGPASSFILE, ~/.pgpass): lines of `host:port:database:user:password`, the first that fits wins. `*` fits
 * everything, `\:` and `\\` are escapes, `#` starts a comment line.
 */
import { readFile, stat } from 'node:fs/promises';

export interface PasswordQuestion {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** `ignored` says why a file that is there was not used; it becomes part of the message when the server then refuses. */
export interface PasswordAnswer {
  readonly password?: string;
  readonly ignored?: string;
}

export async function lookUpPassword(path: string, question: PasswordQuestion): Promise<PasswordAnswer> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return {};
  if (!info.isFile()) return { ignored: `the password file ${path} is not a plain file` };
  // As libpq: a file that others can read is not used at all, so that the mistake is noticed.
  if (process.platform !== 'win32' && (info.mode & 0o077) !== 0) {
    return { ignored: `the password file ${path} was ignored because others may read it (chmod 600 it)` };
  }
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return { ignored: `the password file ${path} cannot be read` };
  const password = findPassword(text, question);
  return password === undefined ? {} : { password };
}

export function findPassword(text: string, question: PasswordQuestion): string | undefined {
  // libpq looks for a socket in a folder under the name localhost.
  const host = question.host.startsWith('/') ? ['localhost', question.host] : [question.host];
  const wanted = [host, [String(question.port)], [question.database], [question.user]];
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const fields = splitFields(line.replace(/\r$/, ''));
    if (fields.length < 5) continue;
    const fits = wanted.every((names, i) => fields[i] === '*' || names.some((name) => unescaped(fields[i]) === name));
    if (fits) return unescaped(fields[4]);
  }
  return undefined;
}

/** Five fields, still escaped, so that an escaped `\*` is not a wildcard. Further colons belong to the password. */
function splitFields(line: string): string[] {
  const fields: string[] = [];
  let start = 0;
  for (let at = 0; at < line.length && fields.length < 4; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === ':') {
      fields.push(line.slice(start, at));
      start = at + 1;
    }
  }
  fields.push(line.slice(start));
  return fields;
}

function unescaped(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}
