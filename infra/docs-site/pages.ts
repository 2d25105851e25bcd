import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The pages in the order of the navigation. README.md is the home page. */
export const NAVIGATION: Readonly<Record<string, readonly string[]>> = {
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

/** Returns the anchor of a heading, as GitHub makes it. */
export function makeAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

/** Returns the links to a page or heading that does not exist, of pages by their path. */
export function findDeadLinks(pages: ReadonlyMap<string, string>): string[] {
  const texts = Array.from(
    pages,
    ([page, text]) => [page, text.replaceAll(/^```.*?^```/gms, '')] as const,
  );
  const anchors = new Map(
    texts.map(([page, text]) => [
      page,
      new Set(Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading]) => makeAnchor(heading!))),
    ]),
  );
  return texts.flatMap(([page, text]) =>
    Array.from(text.matchAll(/\]\(([^)#:]*\.md)?(?:#([^)]*))?\)/g))
      .filter(([, target, anchor]) => {
        const found = anchors.get(target === undefined ? page : join(page, '..', target));
        return found === undefined || (anchor !== undefined && !found.has(anchor));
      })
      .map(([link]) => `${page}: ${link.slice(1)}`),
  );
}
