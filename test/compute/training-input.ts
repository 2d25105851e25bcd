import { encodePart, fitFromCounts } from '../../pipeline/features/part-tasks.ts';
import type { Column } from '../../pipeline/batches/columns.ts';

/** Columns of numbers and a label that follows none of them, so that a tree over it is as large as it gets. */
export function noisyCsv(rows: number, columns: number): Uint8Array {
  let state = 42;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648);
  const names = Array.from({ length: columns }, (_, i) => `x${i}`);
  const lines = Array.from({ length: rows }, () => {
    const cells = names.map(() => (next() / 2_147_483_648).toFixed(6));
    return [...cells, next() % 1000 < 500 ? 'a' : 'b'].join(',');
  });
  return new TextEncoder().encode(`${[...names, 'label'].join(',')}\n${lines.join('\n')}\n`);
}

/** What the training stage's thread is given for such a table. */
export function trainingInput(rows: number, columns: number) {
  const typed: Column[] = [
    ...Array.from({ length: columns }, (_, i): Column => ({ name: `x${i}`, type: 'number' })),
    { name: 'label', type: 'category' },
  ];
  const rules = { target: 'label', cells: { missing: [''] }, testSize: 0.2, key: null };
  const bytes = noisyCsv(rows, columns);
  const part = encodePart({ bytes, file: 'noise.csv', columns: typed, ...rules });
  const { encoder } = fitFromCounts({
    counts: [part.counts],
    columns: typed,
    target: 'label',
    testSize: 0.2,
    missing: 'impute',
    until: 1,
    dateParts: [],
    what: 'noise',
  });
  const own = { max_depth: 60, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 };
  const model = { task: 'classification', type: 'decision_tree', ...own } as const;
  return { parts: [part.train], encoder, model };
}
