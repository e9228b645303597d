import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorDocs } from '../../scripts/write-error-docs.ts';
import { ERROR_CODES, type ErrorCode, type ErrorDefinition } from '../../src/errors/error-codes.ts';
import { SluiceError } from '../../src/errors/sluice-error.ts';

const codes = Object.entries(ERROR_CODES) as [ErrorCode, ErrorDefinition][];
const exitCodes = readFileSync(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8');

describe('the registry of errors', () => {
  it('is what docs/errors.md says (write it again with `node scripts/write-error-docs.ts`)', () => {
    expect(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')).toBe(errorDocs());
  });

  it.each(codes)('%s is well formed', (code, definition) => {
    expect(code).toMatch(/^[A-Z][A-Z_]*[A-Z]$/);
    expect(definition.message).not.toBe('');
    expect(definition.hint).not.toBe('');
    // A brace that is not a whole {fact} would stay in the message.
    expect(definition.message.replaceAll(/\{[a-zA-Z]\w*\}/g, '')).not.toMatch(/[{}]/);
    expect(definition.hint.replaceAll(/\{[a-zA-Z]\w*\}/g, '')).not.toMatch(/[{}]/);
    expect(definition.http).toBeGreaterThanOrEqual(400);
    expect(definition.http).toBeLessThan(600);
    expect(exitCodes).toContain(`| ${definition.exit} |`);
  });

  it.each(codes)('%s fills its template with its facts', (code, { message, hint }) => {
    const names = [...(message + hint).matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const error = new SluiceError(code, Object.fromEntries(names.map((name) => [name, `<${name}>`])));
    expect(error.message).not.toMatch(/[{}]/);
    expect(error.hint).not.toMatch(/[{}]/);
    for (const name of names) expect(error.message + error.hint).toContain(`<${name}>`);
  });

  it('puts facts in as they are, also those that look like templates', () => {
    expect(new SluiceError('USAGE', { what: '{hint} $& $1' }).message).toBe('{hint} $& $1');
  });
});
