import { join } from 'node:path';

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
