/** A line of a chart: its points by x. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** A chart whose axes are logarithmic, as sizes and times of this kind are. */
export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [640, 400];
const FRAME = { left: 64, right: 150, top: 60, bottom: 48 };
/** Okabe and Ito's, which people with any colour sight can tell apart. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** A chart as SVG: the same bytes for the same points, readable on a dark page too. */
export function drawChart({ title, x, y, lines }: Chart): string {
  const points = lines.flatMap((line) => line.points);
  const [across, up] = [rangeOf(points.map(([at]) => at)), rangeOf(points.map(([, at]) => at))];
  const toX = scale(across, FRAME.left, WIDTH - FRAME.right);
  const toY = scale(up, HEIGHT - FRAME.bottom, FRAME.top);
  const bottom = HEIGHT - FRAME.bottom;
  const right = WIDTH - FRAME.right;
  const body = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(FRAME.left, 24, title, 'font-size="15" font-weight="600"'),
    ...ticksOf(across).flatMap((tick) => [
      grid(toX(tick), bottom, toX(tick), FRAME.top),
      text(toX(tick), bottom + 18, short(tick), 'text-anchor="middle"'),
    ]),
    ...ticksOf(up).flatMap((tick) => [
      grid(FRAME.left, toY(tick), right, toY(tick)),
      text(FRAME.left - 8, toY(tick) + 4, short(tick), 'text-anchor="end"'),
    ]),
    text((FRAME.left + right) / 2, HEIGHT - 10, x, 'text-anchor="middle"'),
    text(14, FRAME.top - 14, y, ''),
    ...lines.flatMap((line, i) => drawLine(line, i, toX, toY)),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#222">\n${body.join('\n')}\n</svg>\n`
  );
}

function drawLine(
  { name, points }: Line,
  i: number,
  toX: (value: number) => number,
  toY: (value: number) => number,
): string[] {
  const colour = COLOURS[i % COLOURS.length]!;
  const places = points.map(([x, y]) => [fixed(toX(x)), fixed(toY(y))] as const);
  const legend = FRAME.top + 12 + 20 * i;
  const side = WIDTH - FRAME.right + 16;
  return [
    `<polyline points="${places.map((place) => place.join()).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`),
    `<rect x="${side}" y="${legend - 9}" width="10" height="10" fill="${colour}"/>`,
    text(side + 16, legend, name, ''),
  ];
}

/** The powers of ten that the values lie between. */
function rangeOf(values: readonly number[]): [number, number] {
  const first = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const last = Math.ceil(Math.log10(Math.max(...values)) - 1e-9);
  return [10 ** first, 10 ** Math.max(last, first + 1)];
}

function ticksOf([least, most]: readonly [number, number]): number[] {
  const first = Math.round(Math.log10(least));
  const count = Math.round(Math.log10(most)) - first + 1;
  return Array.from({ length: count }, (_, i) => 10 ** (first + i));
}

function scale(
  [least, most]: readonly [number, number],
  from: number,
  to: number,
): (value: number) => number {
  const whole = Math.log(most / least);
  return (value) => from + (Math.log(value / least) / whole) * (to - from);
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, words: string, more: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${more}>${words.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</text>`;
}

/** 1 000 as 1 k, 1 000 000 as 1 M. */
function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1000 ? `${value / 1000} k` : String(Number(value.toPrecision(3)));
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}
