import { layout, Graph } from '@dagrejs/dagre';
import type { Outline } from '../../models/estimator.ts';
import {
  escapeHtml,
  formatCount,
  formatPercent,
  renderFigure,
  renderSection,
  type Html,
} from './page.ts';

/** The maximum number of nodes in a drawing. A page is not wide enough for more. */
const MOST_DRAWN = 31;
/** Questions this deep in the list are folded until a reader opens them. */
const OPEN_LEVELS = 3;

/** Renders the decisions of a model as a drawing, and as a list for readers who do not see it. */
export function renderOutline(outline: Outline): Html {
  const drawn = prune(outline, MOST_DRAWN);
  const leaves = countLeaves(outline);
  const isWhole = countNodes(drawn) === countNodes(outline);
  const note = isWhole
    ? 'A row starts at the top. At each question it goes left for yes and right for no. The lowest boxes are the predictions.'
    : 'The first questions of the tree: a row goes left for yes and right for no. Dashed boxes hold the rest, which the list below has.';
  const list = `<details><summary>The tree as a list (${formatCount(leaves)} ${leaves === 1 ? 'prediction' : 'predictions'})</summary>\n<ul><li>${renderList(outline, 1)}</li></ul></details>`;
  return renderSection('tree', 'How the model decides', [
    `<details open><summary>Drawing</summary>\n${renderFigure(drawTree(drawn), note)}</details>`,
    list,
  ]);
}

/** Keeps the nodes nearest to the root, and folds the others. */
function prune(outline: Outline, most: number): Outline {
  let levels = 0;
  let room = most;
  for (let level = [outline]; level.length > 0 && level.length <= room; levels++) {
    room -= level.length;
    level = level.flatMap((node) => (node.kind === 'question' ? [node.yes, node.no] : []));
  }
  const cut = (node: Outline, left: number): Outline => {
    if (node.kind !== 'question') return node;
    if (left <= 1) return { kind: 'folded', leaves: countLeaves(node) };
    return { ...node, yes: cut(node.yes, left - 1), no: cut(node.no, left - 1) };
  };
  return cut(outline, Math.max(1, levels));
}

function countLeaves(node: Outline): number {
  if (node.kind === 'question') return countLeaves(node.yes) + countLeaves(node.no);
  return node.kind === 'folded' ? node.leaves : 1;
}

function countNodes(node: Outline): number {
  return node.kind === 'question' ? 1 + countNodes(node.yes) + countNodes(node.no) : 1;
}

function renderList(node: Outline, level: number): Html {
  if (node.kind === 'folded')
    return `${formatCount(node.leaves)} more predictions, which the model file has`;
  if (node.kind === 'answer') return escapeHtml(describeAnswer(node));
  const inner = `<ul><li>yes: ${renderList(node.yes, level + 1)}</li><li>no: ${renderList(node.no, level + 1)}</li></ul>`;
  const question = escapeHtml(`${node.text}?`);
  return level <= OPEN_LEVELS
    ? `${question}${inner}`
    : `<details><summary>${question}</summary>${inner}</details>`;
}

function describeAnswer({ text, share }: Extract<Outline, { kind: 'answer' }>): string {
  return share === null ? text : `${text} (${formatPercent(share)} of its train rows)`;
}

const FONT = 13;
const LETTER = 7.3;
const LINE = 17;
const PAD = 10;
const MOST_LETTERS = 30;
/** A wide drawing shrinks this far, so that its text stays readable, and then scrolls. */
const SMALLEST = 0.75;
/** Classes beyond these share the last colour. */
const COLOURS = 6;

interface Box {
  lines: string[];
  node: Outline;
}

/** Draws a tree as SVG, laid out by dagre: the same bytes for the same tree. */
function drawTree(outline: Outline): Html {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 18, ranksep: 44, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  const boxes = new Map<string, Box>();
  const place = (node: Outline): string => {
    const id = String(boxes.size);
    const lines = describeBox(node).map(shorten);
    boxes.set(id, { lines, node });
    const width = Math.max(...lines.map((line) => Array.from(line).length)) * LETTER + 2 * PAD;
    graph.setNode(id, { width: Math.max(60, width), height: lines.length * LINE + PAD });
    if (node.kind === 'question') {
      graph.setEdge(id, place(node.yes), { label: 'yes' });
      graph.setEdge(id, place(node.no), { label: 'no' });
    }
    return id;
  };
  place(outline);
  // Without this, dagre may exchange yes and no.
  layout(graph, { disableOptimalOrderHeuristic: true });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const edges = graph.edges().map(({ v, w }: { v: string; w: string }) => {
    const [from, to] = [graph.node(v), graph.node(w)] as [Spot, Spot];
    const { label } = graph.edge(v, w) as { label: string };
    const [startY, endY] = [from.y + from.height / 2, to.y - to.height / 2];
    const middle = (startY + endY) / 2;
    const side = label === 'yes' ? -4 : 4;
    const anchor = label === 'yes' ? 'end' : 'start';
    return [
      `<path d="M${at(from.x)} ${at(startY)}C${at(from.x)} ${at(middle)} ${at(to.x)} ${at(middle)} ${at(to.x)} ${at(endY)}" fill="none" stroke="var(--muted)"/>`,
      `<text x="${at((from.x + to.x) / 2 + side)}" y="${at(middle + 4)}" text-anchor="${anchor}" fill="var(--muted)" font-size="12" stroke="var(--bg)" stroke-width="4" paint-order="stroke">${label}</text>`,
    ].join('');
  });
  const drawn = [...boxes].map(([id, box]) => drawBox(graph.node(id) as Spot, box));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${at(width)} ${at(height)}" width="${at(width)}" height="${at(height)}" style="min-width:${at(SMALLEST * width)}px" font-size="${FONT}" font-family="system-ui,sans-serif">`,
    '<title>The decisions of the model as a tree; the list below has the same in words</title>',
    ...edges,
    ...drawn,
    '</svg>',
  ].join('');
}

interface Spot {
  x: number;
  y: number;
  width: number;
  height: number;
}

function describeBox(node: Outline): string[] {
  if (node.kind === 'folded') return [`… ${formatCount(node.leaves)} predictions`];
  if (node.kind === 'question')
    return [
      `${node.text}?`,
      ...(node.rows === null ? [] : [`${formatCount(node.rows)} train rows`]),
    ];
  return [node.text, ...(node.share === null ? [] : [formatPercent(node.share)])];
}

function shorten(text: string): string {
  const letters = Array.from(text);
  return letters.length <= MOST_LETTERS ? text : `${letters.slice(0, MOST_LETTERS - 1).join('')}…`;
}

function drawBox({ x, y, width, height }: Spot, { lines, node }: Box): Html {
  const [left, top] = [x - width / 2, y - height / 2];
  const stroke =
    node.kind === 'answer' ? `var(--c${Math.min(node.index, COLOURS - 1)})` : 'var(--muted)';
  const dash = node.kind === 'folded' ? ' stroke-dasharray="4 3"' : '';
  const weight = node.kind === 'answer' ? 2.5 : 1;
  const rounded = node.kind === 'answer' ? height / 2 : 5;
  const text = lines.map((line, i) => {
    const bold = i === 0 && node.kind === 'answer' ? ' font-weight="600"' : '';
    const fill = i === 0 ? 'var(--fg)' : 'var(--muted)';
    const base = top + PAD / 2 + LINE * i + FONT;
    return `<text x="${at(x)}" y="${at(base)}" text-anchor="middle" fill="${fill}"${bold}>${escapeHtml(line)}</text>`;
  });
  const whole = describeBox(node).join(', ');
  return `<g><title>${escapeHtml(whole)}</title><rect x="${at(left)}" y="${at(top)}" width="${at(width)}" height="${at(height)}" rx="${at(rounded)}" fill="var(--panel)" stroke="${stroke}" stroke-width="${weight}"${dash}/>${text.join('')}</g>`;
}

/** A coordinate with one decimal, so that equal layouts give equal bytes. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
