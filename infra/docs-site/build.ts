import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SetupError } from '../../contract/failures.ts';
import { installDevTools } from '../dev-tools.ts';
import { findDeadLinks, readPages } from './pages.ts';

/**
 * `npm run docs [-- --open | --base /FOLDER/]`: makes a site of README.md and docs/ in .stack/docs-site/html, for any file
 * server. `--open` serves it on this machine and opens it. `--base` is for a site in a folder of a server. The pages stay
 * as GitHub shows them: what VitePress wants otherwise is changed in a copy.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.stack', 'docs-site');
const copies = join(folder, 'pages');
const site = join(folder, 'html');

const pages = readPages(root);
const dead = findDeadLinks(pages);
if (dead.length > 0)
  throw new SetupError(`links to a page or heading that does not exist:\n${dead.join('\n')}`);
// No dependencies of the project: 126 packages that nobody else needs.
const modules = installDevTools(import.meta.dirname, folder);
const mermaid = pathToFileURL(join(modules, 'beautiful-mermaid', 'dist', 'index.js')).href;
const { renderMermaidSVG } = (await import(mermaid)) as {
  renderMermaidSVG: (text: string, colours: object) => string;
};

/** The styles of the diagrams, which VitePress does not accept in a page. */
const diagramRules = new Set<string>();
rmSync(copies, { recursive: true, force: true });
for (const [page, text] of pages) copyPage(page, text);
writeTheme();
const options = process.argv.slice(2).filter((word) => word !== '--open');
if (run('vitepress/bin/vitepress.js', ['build', copies, ...options]) !== 0)
  throw new SetupError('VitePress failed: see the messages above');
process.stdout.write(`${join(site, 'index.html')}\n`);
if (process.argv.includes('--open'))
  process.exitCode =
    run('vite/bin/vite.js', [
      'preview',
      copies,
      '--outDir',
      site,
      '--host',
      '127.0.0.1',
      '--open',
    ]) ?? 0; // ended by Ctrl-C

/** Copies a page, and the pictures and files that it links to. */
function copyPage(page: string, text: string): void {
  write(
    page === 'README.md' ? 'index.md' : page,
    text
      .replaceAll(/\]\(((?:\.\.\/)*)README\.md/g, ']($1index.md')
      .replaceAll(/^```mermaid\n(.*?)^```/gms, (_, drawing: string) => draw(drawing)),
  );
  for (const [, picture, target] of text.matchAll(/(!?)\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
    const file = join(dirname(page), target!);
    if (!file.endsWith('.md'))
      cpSync(join(root, file), join(copies, picture === '' ? 'public' : '', file));
  }
}

/** Returns a diagram as HTML, from top to bottom because a page is narrow. Its style would load a font from another host. */
function draw(drawing: string): string {
  const svg = renderMermaidSVG(drawing.replaceAll(/\bLR\b/g, 'TB'), {
    bg: 'var(--vp-c-bg)',
    fg: 'var(--vp-c-text-1)',
  });
  const [style, rules] = /<style>(.*?)<\/style>/s.exec(svg)!;
  diagramRules.add(rules!.replaceAll(/^.*@import.*$/gm, ''));
  return `<div class="diagram">${svg.replace(style, '').replaceAll(/\n\s*\n/g, '\n')}</div>\n`;
}

function writeTheme(): void {
  const config = join(import.meta.dirname, 'vitepress.config.ts');
  write('.vitepress/config.ts', `export { default } from ${JSON.stringify(config)};\n`);
  const theme = "export { default } from 'vitepress/theme-without-fonts';\nimport './style.css';\n";
  write('.vitepress/theme/index.js', theme);
  const size = 'svg { max-width: 100%; height: auto; }';
  write('.vitepress/theme/style.css', `.diagram {${size}${[...diagramRules].join('')}}\n`);
}

function write(path: string, text: string): void {
  const file = join(copies, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Returns the exit code of a program; null if a signal ended it. */
function run(program: string, words: string[]): number | null {
  const args = [join(modules, program), ...words];
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status;
}
