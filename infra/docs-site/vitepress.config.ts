import { makeAnchor, NAVIGATION, readPages } from './pages.ts';

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
