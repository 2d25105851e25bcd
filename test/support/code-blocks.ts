import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The blocks of code of a language in a page of docs/, in order. */
export function readCodeBlocks(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8');
  return Array.from(
    text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms')),
    ([, code]) => code!,
  );
}
