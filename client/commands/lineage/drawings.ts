import { formatBytes } from '../../format.ts';
import { shortenMd5 } from '../../origin.ts';
import { fold, KINDS, type Lineage, type Drawn } from './graph.ts';

/** The lineage as a tree for the terminal: each kind under the one it is made from. */
export function drawText(lineage: Lineage): string {
  const { nodes } = fold(lineage);
  const kinds = KINDS.filter((kind) => nodes.some((node) => node.kind === kind));
  const lines = kinds.flatMap((kind, depth) =>
    nodes
      .filter((node) => node.kind === kind)
      .map((node, i) => ({ node, left: `${drawBranch(depth, i === 0)}${i === 0 ? kind : ''}` })),
  );
  const last = kinds.length - 1;
  const leftWidth = Math.max(...lines.map(({ left }) => left.length)) + 2;
  const pathWidth = Math.max(...lines.map(({ node }) => node.path.length)) + 2;
  const drawn = lines.map(({ node, left }) => {
    // A vertical line to the next kind continues beside all artifacts, except those of the last kind.
    const rail = left.trim() === '' && kinds.indexOf(node.kind) < last ? `${left}│` : left;
    const size = formatBytes(node.size).padStart(8);
    return `${rail.padEnd(leftWidth)}${node.path.padEnd(pathWidth)}${shortenMd5(node.md5).padEnd(8)}  ${size}`;
  });
  const { pipeline, version, build } = lineage;
  return [`${pipeline} · version ${version} · build ${build}`, '', ...drawn].join('\n');
}

function drawBranch(depth: number, first: boolean): string {
  if (depth === 0) return '';
  return first ? `${'   '.repeat(depth - 1)}└─ ` : '   '.repeat(depth);
}

/** The lineage as a Mermaid flowchart: a column for each kind, an arrow for each "made from". */
export function drawMermaid(lineage: Lineage): string {
  const { nodes, edges } = fold(lineage);
  const names = new Map(nodes.map(({ id }, i) => [id, `n${i}`]));
  const columns = KINDS.flatMap((kind) => {
    const own = nodes.filter((node) => node.kind === kind);
    if (own.length === 0) return [];
    const boxes = own.map((node) => {
      const label = [
        node.path,
        [shortenMd5(node.md5), formatBytes(node.size)].filter(Boolean).join(' · '),
      ];
      return `    ${names.get(node.id)}["${label.map(escapeMermaid).join('<br/>')}"]`;
    });
    return [`  subgraph ${kind}`, ...boxes, '  end'];
  });
  const arrows = edges.map(
    ({ from, to, stage }) => `  ${names.get(from)} -->|${stage}| ${names.get(to)}`,
  );
  return ['flowchart LR', ...columns, ...arrows].join('\n');
}

/** Writes characters that have a meaning in Mermaid as their code, because a path can hold any character. */
function escapeMermaid(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._/·…-]/gu, (sign) => `#${sign.codePointAt(0)};`);
}

const BOX = { width: 210, height: 40 };
const STEP = { x: BOX.width + 60, y: BOX.height + 14 };
const MARGIN = 30;
const HEAD = 50;
/** How many letters of a path fit in a box. The end of a path is shown, because it says more than the beginning. */
const MOST_LETTERS = 31;

interface Placed extends Drawn {
  x: number;
  y: number;
}

/** The lineage as an SVG picture: a column of boxes for each kind, and arrows for what was made from what. */
export function drawSvg(lineage: Lineage): string {
  const { nodes, edges } = fold(lineage);
  const kinds = KINDS.filter((kind) => nodes.some((node) => node.kind === kind));
  const columns = kinds.map((kind) => nodes.filter((node) => node.kind === kind));
  const tallest = Math.max(...columns.map(({ length }) => length));
  const placed = new Map<string, Placed>();
  for (const [column, own] of columns.entries())
    for (const [row, node] of own.entries())
      placed.set(node.id, {
        ...node,
        x: MARGIN + column * STEP.x,
        y: HEAD + (row + (tallest - own.length) / 2) * STEP.y,
      });
  const width = 2 * MARGIN + columns.length * STEP.x - (STEP.x - BOX.width);
  const height = HEAD + tallest * STEP.y + MARGIN;
  const title = `${lineage.pipeline} · version ${lineage.version} · build ${lineage.build}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<title>${escapeXml(title)}</title>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...kinds.map(
      (kind, i) =>
        `<text x="${MARGIN + i * STEP.x}" y="30" font-size="13" font-weight="bold">${kind}</text>`,
    ),
    ...edges.map(({ from, to, stage }) => drawArrow(placed.get(from)!, placed.get(to)!, stage)),
    ...[...placed.values()].map(drawBox),
    '</svg>',
    '',
  ].join('\n');
}

function drawBox({ x, y, path, md5, size }: Placed): string {
  const shown = path.length > MOST_LETTERS ? `…${path.slice(1 - MOST_LETTERS)}` : path;
  const below = [shortenMd5(md5), formatBytes(size)].filter(Boolean).join(' · ');
  return [
    `<g><title>${escapeXml(`${path} ${md5}`)}</title>`,
    `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="5" fill="#f4f7fb" stroke="#5b7fa6"/>`,
    `<text x="${x + 8}" y="${y + 16}">${escapeXml(shown)}</text>`,
    `<text x="${x + 8}" y="${y + 31}" fill="#555" font-family="monospace">${escapeXml(below)}</text></g>`,
  ].join('');
}

/** An arrow from the right side of a box to the left side of another. Within a column it stays on the left side. */
function drawArrow(from: Placed, to: Placed, stage: string): string {
  const [startY, endY] = [from.y + BOX.height / 2, to.y + BOX.height / 2];
  const startX = from.x === to.x ? from.x : from.x + BOX.width;
  const bend = from.x === to.x ? -30 : 30;
  return `<path d="M${startX} ${startY} C${startX + bend} ${startY} ${to.x - 30} ${endY} ${to.x} ${endY}" fill="none" stroke="#9ab"><title>${escapeXml(stage)}</title></path>`;
}

function escapeXml(text: string): string {
  return text
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/\p{Cc}/gu, '\uFFFD'); // XML has no way to write these
}
