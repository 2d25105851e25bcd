import { expect, it } from 'vitest';
import { fitClasses, fitNumbers } from '../../../../pipeline/models/cart/fit.ts';
import { sha256 } from '../../support.ts';
import { jsonOf, seeded, upTo } from '../trees.ts';

const KNOBS = [
  { max_depth: Infinity, min_samples_split: 2, min_gain: 0 },
  { max_depth: 6, min_samples_split: 10, min_samples_leaf: 4, min_gain: 0.0005 },
];

/** Columns of distinct values, of few values, of one value; classes and numbers that follow the first. */
function dataSet(rows: number) {
  const random = seeded(rows);
  const columns = upTo(6).map((c) =>
    Float64Array.from({ length: rows }, () => {
      const value = random() * 2 - 1;
      return c % 3 === 0 ? value : c % 3 === 1 ? Math.round(value * 8) / 8 : 7;
    }),
  );
  const labels = Uint8Array.from(columns[0]!, (value) =>
    random() < 0.1 ? Math.floor(random() * 4) : Math.floor((value + 1) * 2),
  );
  const numbers = Float64Array.from(columns[0]!, (value, row) => value * 3 + columns[1]![row]!);
  return { columns, labels, numbers };
}

it('a decision tree is the same bytes as it always was', () => {
  const found = [50, 1000, 40_000].flatMap((rows) => {
    const { columns, labels, numbers } = dataSet(rows);
    return KNOBS.flatMap((knobs) => [
      sha256(jsonOf(fitClasses(columns, labels, 4, knobs))),
      sha256(jsonOf(fitNumbers(columns, numbers, knobs))),
    ]);
  });
  expect(found).toMatchInlineSnapshot(`
    [
      "8309534efda2c449599159ceba3a036f0eb7abf45646a0d89def19f09436e731",
      "74e299d7c7e07022b08944421ded9575c3af34560a5753fe794e09e51e722261",
      "12cbcb3521a75770abfc875fa0b05b3c5caaf42fb2daff2b133e2f45d2efca46",
      "b3810acd46ec713a431090948a98c98db51237b47e418ed6d4368e92077ad5a3",
      "821bf0f0b33c02724d44c256b2a2f4b69ed35a31cf620169ed00b1a8b1078ca0",
      "5d557b2cb9ddeb6777363e86e1285629c9b59654f11a17e4d7eb66cfe64bace6",
      "1a6acbfea610463daf6f3b9c2d37fc59a6dc7398bad5523e189c2de362d79345",
      "8c99f09085520af71a946c3cdb33d9633119963cdf800168e91f08165f83de08",
      "2fbad3eb657591feda1ce371f641e32a14d7770b1ce8a54b4f9fa6309c9151af",
      "3b3ed62b9e37c03eaf980219d692866272bea2dd3ffe857eb9b4176d9450bc16",
      "15c49edf71ea830f6b7957f223a44d5c758997916cfd71410f8243ad4cbe26b7",
      "123d2f1d26583ff77d674774310bf19ea240237b9cc169b8bdc945955487e46b",
    ]
  `);
});
