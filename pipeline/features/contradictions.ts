import { RETRAIN } from '../../contract/command.ts';
import type { Matrix } from './matrix.ts';

/** The share of a batch's rows that must contradict an earlier batch. */
const MANY = 0.1;

/** If at least this share of a batch's rows differ, a repeated row is hardly a coincidence. */
const MOSTLY_DIFFERENT = 0.9;

/** Rows of the new batch with the same features. */
interface Group {
  /** The first of them. */
  readonly row: number;
  rows: number;
  /** Whether they have the same label. */
  agrees: boolean;
  /** The last batch that has such a row with the same label; 0 if there is none. */
  same: number;
}

/**
 * Warns if the newest batch repeats rows of an earlier batch with other labels, as a corrected file does that arrives
 * as a new one.
 *
 * Where features have few values, equal rows with different labels are usual. So a row counts only if the earlier
 * batch has no row with its features and its label, and the rows must be many, or rows that repeat must be rare.
 * @param sizes the number of rows of each batch in `matrix`, the newest last
 */
export function warnOfContradictions(matrix: Matrix, sizes: readonly number[]): string[] {
  const newest = sizes.length;
  const from = matrix.rows - (sizes.at(-1) ?? 0);
  const count = matrix.rows - from;
  if (newest < 2) return [];
  const labelOf = makeLabels(matrix);
  const hashOf = makeHash(matrix);
  const groups = groupRows(matrix, from, hashOf, labelOf);
  const all = [...groups.values()].flat();
  const isMostlyDifferent = all.length >= MOSTLY_DIFFERENT * count;
  // Numeric targets rarely repeat. So where rows repeat often, another target is no sign of a correction.
  if (!isMostlyDifferent && matrix.targets !== undefined) return [];
  const least = isMostlyDifferent ? 1 : MANY * count;
  let worst = { batch: 0, rows: 0 };
  let row = 0;
  for (let batch = 1; batch < newest; batch++) {
    const end = row + sizes[batch - 1]!;
    const touched = new Set<Group>();
    for (; row < end; row++) {
      const group = findGroup(matrix, groups.get(hashOf(row)), row);
      if (group === undefined || !group.agrees) continue;
      touched.add(group);
      if (labelOf(row) === labelOf(group.row)) group.same = batch;
    }
    const rows = [...touched].reduce(
      (sum, { same, rows: size }) => (same === batch ? sum : sum + size),
      0,
    );
    if (rows > worst.rows) worst = { batch, rows };
  }
  if (worst.rows < least) return [];
  const [label, labels] =
    matrix.targets === undefined ? ['label', 'labels'] : ['number', 'numbers'];
  return [
    `batch ${newest} repeats ${worst.rows} train ${worst.rows === 1 ? 'row' : 'rows'} of batch ${worst.batch} with another ${label}, ` +
      `and both ${labels} are learnt: if it corrects batch ${worst.batch}, replace that batch with "${RETRAIN} amend ${worst.batch} --source FILE"`,
  ];
}

function groupRows(
  matrix: Matrix,
  from: number,
  hashOf: (row: number) => number,
  labelOf: (row: number) => string | number,
): Map<number, Group[]> {
  const groups = new Map<number, Group[]>();
  for (let row = from; row < matrix.rows; row++) {
    const hash = hashOf(row);
    const known = groups.get(hash);
    const group = findGroup(matrix, known, row);
    if (group === undefined) {
      const fresh = { row, rows: 1, agrees: true, same: 0 };
      if (known === undefined) groups.set(hash, [fresh]);
      else known.push(fresh);
    } else {
      group.rows++;
      group.agrees &&= labelOf(row) === labelOf(group.row);
    }
  }
  return groups;
}

/** Finds the group with the features of a row among those with its hash. */
function findGroup(
  { columns }: Matrix,
  groups: readonly Group[] | undefined,
  row: number,
): Group | undefined {
  return groups?.find((group) => columns.every((column) => column[row] === column[group.row]));
}

function makeLabels({ labels, targets }: Matrix): (row: number) => string | number {
  return targets === undefined ? (row) => labels[row]! : (row) => targets[row]!;
}

/** Makes a hash of the features of a row, of 32 bits. */
function makeHash({ columns }: Matrix): (row: number) => number {
  const halves = columns.map(
    ({ buffer, byteOffset, length }) => new Int32Array(buffer, byteOffset, 2 * length),
  );
  return (row) => {
    let hash = 0;
    for (let c = 0; c < halves.length; c++) {
      hash = Math.imul(hash ^ halves[c]![2 * row]!, 0x9e3779b1);
      hash = Math.imul((hash << 13) | (hash >>> 19), 5) + halves[c]![2 * row + 1]!;
    }
    return hash ^ (hash >>> 15);
  };
}
