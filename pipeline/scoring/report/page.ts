/** A part of a page: HTML whose text is escaped. */
export type Html = string;

/** Escapes text for HTML and for SVG. Control characters, which XML cannot hold, are replaced. */
export function escapeHtml(text: string): Html {
  return text
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/(?!\n)\p{Cc}/gu, '\uFFFD');
}

/**
 * Renders a page that loads no other file and runs no script.
 * @param body HTML of its header, main part and footer
 * @returns HTML as UTF-8
 */
export function renderPage(title: string, body: readonly Html[]): Uint8Array {
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${STYLE}</style>`,
  ];
  const lines = ['<!doctype html>', '<html lang="en">', ...head, '<body>', ...body, '</body>'];
  return Buffer.from(`${lines.join('\n')}\n</html>\n`);
}

/** Renders a section with a heading; empty if it has no content. */
export function renderSection(id: string, heading: string, content: readonly Html[]): Html {
  const shown = content.filter((part) => part !== '');
  if (shown.length === 0) return '';
  return [
    `<section aria-labelledby="${id}">`,
    `<h2 id="${id}">${escapeHtml(heading)}</h2>`,
    ...shown,
    '</section>',
  ].join('\n');
}

/**
 * Renders a table. The first cell of each row is the row's heading. All cells are HTML. On a narrow screen the table
 * scrolls, and the page does not.
 * @param caption describes the table; as HTML
 */
export function renderTable(
  caption: Html,
  head: readonly Html[],
  rows: readonly (readonly Html[])[],
  name = '',
): Html {
  const lines = rows.map(
    ([first = '', ...cells]) =>
      `<tr><th scope="row">${first}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  );
  const cells = head.map((cell) => (cell === '' ? '<td></td>' : `<th scope="col">${cell}</th>`));
  const body = `<thead><tr>${cells.join('')}</tr></thead><tbody>${lines.join('')}</tbody>`;
  const kind = name === '' ? '' : ` class="${name}"`;
  return makeScrollable(`<table${kind}><caption>${caption}</caption>${body}</table>`, caption);
}

/** Lets wide content scroll inside the page, also by keyboard. */
export function makeScrollable(content: Html, label: Html): Html {
  const plain = label.replace(/<[^>]*>/g, '');
  return `<div class="scroll" role="region" aria-label="${plain}" tabindex="0">${content}</div>`;
}

/** Renders a picture with a caption. A picture has a title for readers who do not see it. */
export function renderFigure(picture: Html, caption: Html): Html {
  return `<figure>${makeScrollable(picture, caption)}<figcaption>${caption}</figcaption></figure>`;
}

/** Draws a share from 0 to 1 as a bar beside its number. */
export function renderBar(share: number, text: string): Html {
  const width = (100 * Math.min(1, Math.max(0, share))).toFixed(1);
  return `<span class="bar" aria-hidden="true"><i style="width:${width}%"></i></span><span class="of">${text}</span>`;
}

/** Formats a share from 0 to 1 as a percentage with one decimal. A no-break space is before the sign. */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/** Groups the digits of a count by three, with a narrow no-break space. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/**
 * Colours have a contrast of at least 4.5 to 1 for text and 3 to 1 for lines on their ground, in both schemes. On
 * paper the page is light, and nothing scrolls.
 */
const LIGHT =
  '--bg:#fff;--fg:#1f2328;--muted:#59636e;--line:#d1d9e0;--panel:#f6f8fa;--accent:#0550ae;' +
  '--mark:9,105,218;--miss:188,76,0;--good:#116329;--bad:#a40e26;' +
  '--c0:#0072b2;--c1:#b14e00;--c2:#007a59;--c3:#a8457e;--c4:#8a6d00;--c5:#2f6f97';
const DARK =
  '--bg:#0d1117;--fg:#e6edf3;--muted:#9ea7b3;--line:#3d444d;--panel:#151b23;--accent:#79b8ff;' +
  '--mark:68,147,248;--miss:219,109,40;--good:#56d364;--bad:#ff938a;' +
  '--c0:#58b7f0;--c1:#f0883e;--c2:#3fd0a2;--c3:#e48fc0;--c4:#e3b341;--c5:#8fc9f0';

const STYLE = [
  `:root{${LIGHT}}`,
  `@media screen and (prefers-color-scheme:dark){:root{${DARK}}}`,
  '*{box-sizing:border-box}',
  'body{font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;background:var(--bg);color:var(--fg);max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 3rem;overflow-wrap:break-word}',
  'h1{font-size:1.9rem;line-height:1.2;margin:.2rem 0 .6rem}',
  'h2{font-size:1.25rem;line-height:1.3;margin:2.4rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--line)}',
  'h3{font-size:1rem;margin:1.2rem 0 .3rem}',
  'p{margin:.5rem 0;max-width:46rem}a{color:var(--accent)}',
  '.over{color:var(--muted);margin:0}.lead{font-size:1.1rem}.note,figcaption{color:var(--muted);font-size:.9rem}',
  'dl.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:1.2rem 0 0}',
  '.cards>div{background:var(--panel);border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}',
  '.cards dt{color:var(--muted);font-size:.85rem}.cards dd{margin:0;font-size:1.45rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}',
  '.cards small{display:block;font-size:.85rem;font-weight:400;color:var(--muted)}',
  '.scroll{overflow-x:auto;max-width:100%}.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}',
  'table{border-collapse:collapse;width:100%;max-width:50rem;margin:.4rem 0 1rem;font-variant-numeric:tabular-nums}',
  'caption{text-align:left;white-space:normal;color:var(--muted);font-size:.9rem;padding-bottom:.3rem;max-width:min(46rem,calc(100vw - 2rem))}',
  'th,td{padding:.35rem .8rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}',
  'th[scope=row],th[scope=col]:first-child{text-align:left}th[scope=row]{font-weight:400}thead th{color:var(--muted);font-weight:600;font-size:.9rem;vertical-align:bottom}',
  'table.words :is(td,th){text-align:left;overflow-wrap:anywhere;white-space:normal}table.words th[scope=row]{width:38%}',
  '.bar{display:inline-block;width:5rem;height:.55rem;margin-right:.6rem;background:var(--line);border-radius:.3rem;overflow:hidden;vertical-align:middle}.of{display:inline-block;min-width:4.2rem}.bar i{display:block;height:100%;background:var(--accent);border-radius:.3rem}',
  'table.narrow{max-width:34rem}.narrow .bar{width:9rem}.matrix{width:auto;min-width:min(34rem,100%)}.matrix td{text-align:center;min-width:3.5rem;border:1px solid var(--line)}.matrix thead th{text-align:center;vertical-align:bottom}.matrix td.hit{background:rgba(var(--mark),var(--d));font-weight:600}.matrix td.miss{background:rgba(var(--miss),var(--d))}.matrix thead tr+tr th:first-child{text-align:left}',
  '.good{color:var(--good)}.bad{color:var(--bad)}.now th,.now td{font-weight:600}',
  'figure{margin:.6rem 0 1rem}figure svg{display:block;height:auto;max-width:100%;color:var(--fg)}figcaption{margin-top:.4rem;max-width:46rem}',
  'ul{padding-left:1.2rem;margin:.4rem 0}li{margin:.15rem 0}summary{cursor:pointer;color:var(--accent)}details{margin:.5rem 0}',
  'code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace}footer{margin-top:2.5rem;padding-top:.8rem;border-top:1px solid var(--line);color:var(--muted);font-size:.9rem}',
  '@media (max-width:32rem){body{padding:1rem .9rem 2rem}h1{font-size:1.5rem}th,td{padding:.3rem .5rem}.bar,.narrow .bar{width:3rem}}',
  '@media print{@page{margin:14mm}caption{max-width:none}body{font-size:10.5pt;max-width:none;padding:0}.scroll{overflow:visible}figure svg{max-width:100%!important;min-width:0!important;max-height:24cm}h2{break-after:avoid}table,figure,.cards>div{break-inside:avoid}.bar i,.matrix td,.cards>div,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}a{color:inherit}}',
].join('');
