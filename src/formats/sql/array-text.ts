/**
 * Arrays from one text form to the other: PostgreSQL's `{1,NULL,"a b"}` and JSON's `[1,null,"a b"]`. Only for dumps whose target writes
 * arrays in the other way; what is not an array in the expected form is left as it is, for the target to judge.
 */
type Elements = 'text' | 'number' | 'boolean';

/** An element in quotes, one without, or a sign. */
const POSTGRES_TOKEN = /"((?:[^"\\]|\\[\s\S])*)"|([{}])|,|([^\s{}",][^{}",]*)|\s+/gy;
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function arrayToJson(bytes: Uint8Array, elements: Elements): Uint8Array {
  const text = textOf(bytes);
  // Bounds other than 1 stand before the array: [0:2]={1,2,3}.
  const body = text.replace(/^(?:\[[-+\d]+:[-+\d]+\])+=/, '');
  if (!body.startsWith('{')) return bytes;
  const out: string[] = [];
  let at = 0;
  for (const match of body.matchAll(POSTGRES_TOKEN)) {
    if (match.index !== at) return bytes;
    at += match[0].length;
    if (match[1] !== undefined) out.push(JSON.stringify(match[1].replaceAll(/\\([\s\S])/g, '$1')));
    else if (match[2] !== undefined) out.push(match[2] === '{' ? '[' : ']');
    else if (match[3] !== undefined) out.push(jsonElement(match[3].trimEnd(), elements));
    else if (match[0] === ',') out.push(',');
  }
  return at === body.length ? Buffer.from(out.join('')) : bytes;
}

function jsonElement(text: string, elements: Elements): string {
  if (text.toUpperCase() === 'NULL') return 'null';
  if (elements === 'number' && JSON_NUMBER.test(text)) return text;
  if (elements === 'boolean' && /^(t|f|true|false)$/.test(text)) return text.startsWith('t') ? 'true' : 'false';
  return JSON.stringify(text);
}

const JSON_TOKEN = /"(?:[^"\\]|\\[\s\S])*"|[[\],{}:]|[^\s[\],{}":]+|\s+/gy;

export function arrayToPostgres(bytes: Uint8Array): Uint8Array {
  const text = textOf(bytes);
  if (!text.trimStart().startsWith('[')) return bytes;
  const out: string[] = [];
  let object: { depth: number; from: number } | undefined;
  let at = 0;
  for (const match of text.matchAll(JSON_TOKEN)) {
    if (match.index !== at) return bytes;
    const [token] = match;
    const from = at;
    at += token.length;
    if (object !== undefined) {
      if (token === '{') object.depth++;
      else if (token === '}' && --object.depth === 0) {
        out.push(quoted(text.slice(object.from, at)));
        object = undefined;
      }
    } else if (token === '{') object = { depth: 1, from };
    else out.push(postgresToken(token));
  }
  return at === text.length ? Buffer.from(out.join('')) : bytes;
}

function postgresToken(token: string): string {
  if (token === '[') return '{';
  if (token === ']') return '}';
  if (token === ',') return ',';
  if (token.startsWith('"')) return quoted(stringOf(token));
  if (token.trim() === '') return '';
  return token.toLowerCase() === 'null' ? 'NULL' : token;
}

function stringOf(token: string): string {
  try {
    return JSON.parse(token) as string;
  } catch {
    return token.slice(1, -1);
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
