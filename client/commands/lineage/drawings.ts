import { Graph, layout, type Edge as GraphEdge, type Point } from '@dagrejs/dagre';
import { formatBytes } from '../../format.ts';
import { shortenMd5 } from '../../origin.ts';
import { escapeHtml } from '../../../pipeline/scoring/report/page.ts';
import { fold, KINDS, type Drawn, type Edge, type Lineage } from './graph.ts';

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

/** If a kind has more artifacts than this, its picture has the first and last two and one box for the others. */
const FEW = { most: 5, ends: 2 };
const BOX = { width: 162, height: 44 };
const STAGE = { width: 118, height: 26 };
/** How many letters of a path fit in a box. The end of a path is shown, because it says more than the beginning. */
const MOST_LETTERS = 22;
/** A wide drawing shrinks this far, so that its text stays readable, and then scrolls. */
const SMALLEST = 0.7;

/** Colours of both schemes, for the picture alone and inside a page. */
const STYLE = [
  '.lineage{--bg:#fff;--fg:#1f2328;--muted:#59636e;--panel:#f6f8fa;--accent:#0550ae}',
  '@media screen and (prefers-color-scheme:dark){.lineage{--bg:#0d1117;--fg:#e6edf3;--muted:#9ea7b3;--panel:#151b23;--accent:#79b8ff}}',
].join('');

/**
 * The lineage as an SVG picture, laid out by dagre: artifacts as boxes, and between them the stages that made them.
 * It fits a page for any number of batches, and has the same bytes for the same lineage.
 */
export function drawSvg(lineage: Lineage): string {
  const { nodes, edges } = fold(lineage, FEW);
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 12, ranksep: 22, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  // Names of stages and ids of artifacts cannot collide: an id has an "@".
  const stages = [...new Set(edges.map(({ stage }) => stage))];
  for (const node of nodes) graph.setNode(node.id, { ...BOX });
  for (const stage of stages) graph.setNode(stage, { ...STAGE });
  for (const { from, to, stage } of edges) {
    graph.setEdge(from, stage);
    graph.setEdge(stage, to);
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const title = `Lineage of ${lineage.pipeline}, version ${lineage.version}, build ${lineage.build}`;
  const size = `viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="lineage" role="img" ${size} style="min-width:${round(SMALLEST * width)}px" font-family="system-ui,sans-serif" font-size="12">`,
    `<title>${escapeHtml(title)}</title>`,
    `<desc>${escapeHtml(describeStages(nodes, edges, stages))}</desc>`,
    `<style>${STYLE}</style>`,
    '<rect width="100%" height="100%" fill="var(--bg)"/>',
    ...graph.edges().map((edge: GraphEdge) => drawLine(graph.edge(edge) as { points: Point[] })),
    ...nodes.map((node) => drawBox(graph.node(node.id) as Point, node)),
    ...stages.map((stage) => drawStage(graph.node(stage) as Point, stage)),
    '</svg>',
    '',
  ].join('\n');
}

/** The picture in words: "merge_data makes data/merged/ from data/batches/batch_000001.csv". */
function describeStages(
  nodes: readonly Drawn[],
  edges: readonly Edge[],
  stages: readonly string[],
): string {
  const paths = new Map(nodes.map(({ id, path }) => [id, path]));
  const list = (ids: string[]): string => [...new Set(ids)].map((id) => paths.get(id)).join(', ');
  return stages
    .map((stage) => {
      const own = edges.filter((edge) => edge.stage === stage);
      return `${stage} makes ${list(own.map(({ to }) => to))} from ${list(own.map(({ from }) => from))}.`;
    })
    .join(' ');
}

function drawBox({ x, y }: Point, { path, md5, size }: Drawn): string {
  const shown = path.length > MOST_LETTERS ? `…${path.slice(1 - MOST_LETTERS)}` : path;
  const below = [shortenMd5(md5), formatBytes(size)].filter(Boolean).join(' · ');
  return [
    `<g><title>${escapeHtml(`${path} ${md5}`.trim())}</title>`,
    `<rect x="${round(x - BOX.width / 2)}" y="${round(y - BOX.height / 2)}" width="${BOX.width}" height="${BOX.height}" rx="4" fill="var(--panel)" stroke="var(--muted)"/>`,
    `<text x="${round(x)}" y="${round(y - 3)}" text-anchor="middle" fill="var(--fg)">${escapeHtml(shown)}</text>`,
    `<text x="${round(x)}" y="${round(y + 14)}" text-anchor="middle" fill="var(--muted)" font-size="11">${escapeHtml(below)}</text></g>`,
  ].join('');
}

function drawStage({ x, y }: Point, stage: string): string {
  const { width, height } = STAGE;
  return [
    `<rect x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${width}" height="${height}" rx="${height / 2}" fill="var(--bg)" stroke="var(--accent)" stroke-width="1.5"/>`,
    `<text x="${round(x)}" y="${round(y + 4)}" text-anchor="middle" fill="var(--accent)" font-weight="600">${escapeHtml(stage)}</text>`,
  ].join('');
}

/** A smooth line through the points that dagre gives. */
function drawLine({ points }: { points: Point[] }): string {
  const [first, ...others] = points as [Point, ...Point[]];
  const last = others.at(-1)!;
  const bends = others.slice(0, -1).map(({ x, y }, i) => {
    const next = others[i + 1]!;
    const end = next === last ? last : { x: (x + next.x) / 2, y: (y + next.y) / 2 };
    return `Q${round(x)} ${round(y)} ${round(end.x)} ${round(end.y)}`;
  });
  return `<path d="M${round(first.x)} ${round(first.y)}${bends.join('')}" fill="none" stroke="var(--muted)" stroke-opacity=".7"/>`;
}

/** A coordinate with one decimal. */
function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
