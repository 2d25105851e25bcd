import { bytes } from '../format.ts';
import { fold, type Drawn } from './fold.ts';
import { KINDS, shortHash, type Lineage } from './graph.ts';

const BOX = { width: 210, height: 40 };
const STEP = { x: BOX.width + 60, y: BOX.height + 14 };
const MARGIN = 30;
const HEAD = 50;
/** As much of a path as a box is wide, in letters; its end tells more than its beginning. */
const MOST_LETTERS = 31;

interface Placed extends Drawn {
  x: number;
  y: number;
}

/** The lineage as a picture that stands alone: boxes in a column for each kind, and what was made from what. */
export function lineageSvg(lineage: Lineage): string {
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
    `<title>${escape(title)}</title>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...kinds.map(
      (kind, i) =>
        `<text x="${MARGIN + i * STEP.x}" y="30" font-size="13" font-weight="bold">${kind}</text>`,
    ),
    ...edges.map(({ from, to, stage }) => arrow(placed.get(from)!, placed.get(to)!, stage)),
    ...[...placed.values()].map(box),
    '</svg>',
    '',
  ].join('\n');
}

function box({ x, y, path, md5, size }: Placed): string {
  const shown = path.length > MOST_LETTERS ? `…${path.slice(1 - MOST_LETTERS)}` : path;
  const below = [shortHash({ md5 }), bytes(size)].filter(Boolean).join(' · ');
  return [
    `<g><title>${escape(`${path} ${md5}`)}</title>`,
    `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="5" fill="#f4f7fb" stroke="#5b7fa6"/>`,
    `<text x="${x + 8}" y="${y + 16}">${escape(shown)}</text>`,
    `<text x="${x + 8}" y="${y + 31}" fill="#555" font-family="monospace">${escape(below)}</text></g>`,
  ].join('');
}

/** From a box's right side to another's left; within a column, down its left side. */
function arrow(from: Placed, to: Placed, stage: string): string {
  const [startY, endY] = [from.y + BOX.height / 2, to.y + BOX.height / 2];
  const startX = from.x === to.x ? from.x : from.x + BOX.width;
  const bend = from.x === to.x ? -30 : 30;
  return `<path d="M${startX} ${startY} C${startX + bend} ${startY} ${to.x - 30} ${endY} ${to.x} ${endY}" fill="none" stroke="#9ab"><title>${escape(stage)}</title></path>`;
}

function escape(text: string): string {
  return text
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/\p{Cc}/gu, '\uFFFD'); // XML has no way to write these
}
