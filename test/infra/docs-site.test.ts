import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findDeadLinks, readPages } from '../../infra/docs-site/pages.ts';

const root = join(import.meta.dirname, '..', '..');
const pages = readPages(root);

it('the navigation of the site has each page of docs/', () => {
  const files = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const inDocs = [...pages.keys()].filter((page) => page.startsWith('docs/'));
  expect(inDocs.toSorted()).toEqual(files.map((name) => `docs/${name}`).toSorted());
});

it('the pages link to pages and headings that exist', () => {
  expect(findDeadLinks(pages)).toEqual([]);
});

it('a link to another page, a heading or a heading of another page can be dead', () => {
  const texts = new Map([
    [
      'README.md',
      '# Start\n[a](docs/use.md#from-python-3) [b](docs/none.md) [c](#start) [d](#end)',
    ],
    [
      'docs/use.md',
      '## From `Python` 3\n```sh\n# End\n```\n[e](../README.md#end) [f](https://a.b/c.md)',
    ],
  ]);
  expect(findDeadLinks(texts)).toEqual([
    'README.md: (docs/none.md)',
    'README.md: (#end)',
    'docs/use.md: (../README.md#end)',
  ]);
});
