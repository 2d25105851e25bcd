/** Rows that a tree can learn: `label` follows `a`, and no two files made with other seeds are the same. */
export function labelled(rows: number, seed = 0): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const a = (i * 7 + seed) % 10;
    return `${a},${(i * 3 + seed * 11) % 97},${a < 5 ? 'low' : 'high'}`;
  });
  return `a,b,label\n${lines.join('\n')}\n`;
}

/** What a run of another pipeline over rows of {@link labelled} is given. */
export function labelledFlags(pipeline: string, source: string): string[] {
  const set = ['--set', `data.source=${source}`, '--set', 'data.target=label'];
  return ['--pipeline', pipeline, ...set];
}
