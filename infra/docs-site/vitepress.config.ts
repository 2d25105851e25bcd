import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAnchor } from './links.ts';

/** The pages in the order of the navigation. README.md is the home page. */
const NAVIGATION: Readonly<Record<string, readonly string[]>> = {
  'The first three minutes': ['README.md', 'docs/watching.md', 'docs/glossary.md'],
  'Your own data': inDocs('pipelines', 'sources', 'arrivals', 'contract', 'models', 'regression'),
  'Use the model': inDocs('use', 'champion', 'gate'),
  Compare: inDocs('versions', 'scores', 'tracking', 'why', 'dvc'),
  Operate: [
    ...inDocs('nightly', 'doctor', 'troubleshooting', 'state'),
    ...inDocs('production', 'durability', 'machines'),
    'SECURITY.md',
  ],
  Reference: inDocs('commands', 'params', 'json', 'other-clients', 'licences'),
  'How it works': inDocs('architecture', 'scale', 'benchmarks', 'testing'),
};

function inDocs(...names: string[]): string[] {
  return names.map((name) => `docs/${name}.md`);
}

/** Returns the texts of all pages by their path, in the order of the navigation. */
export function readPages(root: string): Map<string, string> {
  const paths = Object.values(NAVIGATION).flat();
  return new Map(paths.map((page) => [page, readFileSync(join(root, page), 'utf8')]));
}

// VitePress loads this file in the folder of the project.
const titles = new Map(
  Array.from(readPages('.'), ([page, text]) => [page, /^# (.*)$/m.exec(text)![1]!]),
);

export default {
  title: 'Incremental retraining',
  lang: 'en',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  outDir: '../html',
  // Those of the local stack. All others must exist.
  ignoreDeadLinks: 'localhostLinks',
  markdown: { anchor: { slugify: makeAnchor } },
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local' },
    sidebar: Object.entries(NAVIGATION).map(([text, pages]) => ({
      text,
      items: pages.map((page) =>
        page === 'README.md'
          ? { text: 'Quick start', link: '/' }
          : { text: titles.get(page), link: `/${page}` },
      ),
    })),
  },
};
