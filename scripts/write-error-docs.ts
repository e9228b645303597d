// Writes docs/errors.md from the registry, so that the two cannot differ: `node scripts/write-error-docs.ts`.
// test/errors/error-codes.test.ts fails when somebody forgot.
import { writeFileSync } from 'node:fs';
import { ERROR_CODES, type ErrorDefinition } from '../src/errors/error-codes.ts';

const INTRODUCTION = `# Errors

Every error of Sluice has a code. A code never changes its meaning and is never reused; messages may get better. On
the command line an error is a message, the place (file, line, row, byte, column, table), a hint and the code; with
\`--json\` it is the member \`error\` of the receipt, \`{"code","message","hint","at":{…}}\`; in the library it is a \`SluiceError\`
with the same members and \`retryable\`.

In a place, \`line\` and \`row\` count from 1, \`byte\` counts from 0 in the decompressed source. Words in braces are replaced by the facts of the case.
A *retryable* error may go away without any change by you. Exit codes are explained in [exit-codes.md](exit-codes.md).

Written by \`scripts/write-error-docs.ts\` from \`src/errors/error-codes.ts\`; do not edit.
`;

export function errorDocs(): string {
  const codes: [string, ErrorDefinition][] = Object.entries(ERROR_CODES);
  const table = codes.map(([code, { exit, http, retryable }]) => `| [${code}](#${code.toLowerCase()}) | ${exit} | ${http} | ${retryable === true ? 'yes' : ''} |`);
  const sections = codes.map(([code, { message, hint }]) => `## ${code}\n\n${escapeMarkdown(message)}\n\n*${escapeMarkdown(hint)}*\n`);
  return [INTRODUCTION, ['| code | exit code | HTTP status | retryable |', '|---|---|---|---|', ...table, ''].join('\n'), ...sections].join('\n');
}

/** Templates hold `*`, `_`, `<` and `|` as themselves; code between backticks stays code. */
function escapeMarkdown(text: string): string {
  return text.split(/(`[^`]*`)/).map((piece, index) => (index % 2 === 1 ? piece : piece.replace(/[*_<>|\\]/g, '\\$&'))).join('');
}

if (import.meta.main) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorDocs());
