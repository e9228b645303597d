// Holds the direction of imports inside src/ (ARCHITECTURE.md): a folder imports itself and the layers below it, never
// a neighbour and never upwards. Run by `npm run lint`. A script and not a lint rule, because the rules for it compare
// the text of the import: they cannot tell `../diff/` of src/ from `../diff/` inside another folder, and skip import().
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';

export interface SourceFile {
  /** From the project's root, with slashes: `src/pipeline/run-plan.ts`. */
  readonly path: string;
  readonly text: string;
}

/** From the top down; folders on one line do not know each other. */
const LAYERS: readonly (readonly string[])[] = [
  ['cli'], // above the server because `sluice serve` starts one
  ['server'],
  ['jobs'],
  ['transfer', 'backup', 'workbench', 'diff'],
  ['pipeline'],
  ['connectors', 'formats', 'quarantine'],
  ['engine', 'io'],
  ['progress'],
  ['rows'],
  ['errors'],
];

/** Folders beside the layers: who may import them, and what they may import. */
const BESIDE: Readonly<Record<string, { readonly by: readonly string[]; readonly imports: readonly string[] }>> = {
  config: { by: ['cli', 'server', 'jobs'], imports: ['errors'] },
};

const IMPORTS = [
  /^[ \t]*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"]+)['"]/gm,
  /^(?![ \t]*(?:\*|\/\/)).*?\bimport\(\s*['"]([^'"]+)['"]/gm,
];

/** One message for each import of these files that goes the wrong way, and for each folder that has no layer. */
export function forbiddenImports(files: readonly SourceFile[]): string[] {
  const messages: string[] = [];
  for (const file of files) {
    const from = folderOf(file.path);
    if (from === undefined) {
      if (file.path !== 'src/index.ts') messages.push(`${file.path}: only index.ts stands directly in src/`);
      continue;
    }
    if (layerOf(from) < 0 && !(from in BESIDE)) {
      messages.push(`${file.path}: src/${from}/ has no layer yet; give it one in scripts/check-imports.ts`);
      continue;
    }
    for (const { line, specifier } of relativeImports(file.text)) {
      const reason = refusal(from, posix.join(posix.dirname(file.path), specifier));
      if (reason !== undefined) messages.push(`${file.path}:${line}: '${specifier}' ${reason}`);
    }
  }
  return messages;
}

function relativeImports(text: string): { line: number; specifier: string }[] {
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)])
    .map((match) => ({ line: text.slice(0, match.index + match[0].length).split('\n').length, specifier: match[1] ?? '' }))
    .filter(({ specifier }) => specifier.startsWith('.'));
}

/** Why the folder may not import that file, or undefined when it may. */
function refusal(from: string, target: string): string | undefined {
  if (!target.startsWith('src/')) {
    return target === 'package.json' ? undefined : 'leaves src/';
  }
  const to = folderOf(target);
  if (to === undefined) return 'imports from src/ itself; index.ts is for the users of the library';
  if (to === from || mayImport(from, to)) return undefined;
  return `is forbidden: ${from} may not import ${to}`;
}

function mayImport(from: string, to: string): boolean {
  const beside = BESIDE[from];
  if (beside !== undefined) return beside.imports.includes(to);
  if (to in BESIDE) return BESIDE[to]?.by.includes(from) ?? false;
  return layerOf(from) < layerOf(to);
}

function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}

/** `pipeline` for `src/pipeline/a/b.ts`, undefined for `src/a.ts`. */
function folderOf(path: string): string | undefined {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1] : undefined;
}

function sourceFiles(root: string): SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: `src/${name.replaceAll('\\', '/')}`, text: readFileSync(join(root, 'src', name), 'utf8') }));
}

if (import.meta.main) {
  const messages = forbiddenImports(sourceFiles(process.argv[2] ?? '.'));
  for (const message of messages) console.error(message);
  if (messages.length > 0) process.exitCode = 1;
}
