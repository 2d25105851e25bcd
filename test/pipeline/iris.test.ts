import { describe, expect, it } from 'vitest';
import { mergeCounts } from '../../pipeline/features/counts.ts';
import { encoderToJson, fitEncoder } from '../../pipeline/features/encoder.ts';
import { applyEncoder, concatMatrices } from '../../pipeline/features/matrix.ts';
import { scoreClasses } from '../../pipeline/scoring/class-scores.ts';
import { type Part, partFromArrow, partToArrow } from '../../pipeline/features/part.ts';
import { permuteRows } from '../../pipeline/batches/order.ts';
import { fitTree, jsonOf, predictLabels, sizeOf } from './models/trees.ts';
import { cutRows, encode, iris, irisColumns, sha256 } from './support.ts';

/** The whole pure pipeline for version N of Iris, with the default params. */
function build(version: number) {
  const source = iris();
  const order = permuteRows(source.rows.length, 42);
  const batches = Array.from({ length: version }, (_, i) =>
    encode(cutRows(source, order, i + 1, 50), irisColumns, { target: 'species', testSize: 0.2 }),
  );
  const counts = batches.map((batch) => batch.counts).reduce((a, b) => mergeCounts(a, b));
  const { encoder } = fitEncoder(counts, irisColumns, 'species', { missing: 'impute' });
  const load = (part: Part) => applyEncoder(encoder, partFromArrow(partToArrow(part)));
  const train = concatMatrices(
    batches.map((batch) => load(batch.train)),
    150,
  );
  const test = concatMatrices(
    batches.map((batch) => load(batch.test)),
    150,
  );
  const model = fitTree(train, encoder.classes!, {
    max_depth: 5,
    min_samples_split: 2,
    min_gain: 0,
  });
  const predicted = predictLabels(model, test, encoder.classes!);
  const scores = scoreClasses(test.labels, predicted, encoder.classes!)!;
  return { encoder, model, scores, rows: [train.rows, test.rows], size: sizeOf(model) };
}

describe('three versions of Iris', () => {
  it.each([1, 2, 3])('version %i scores well', (version) => {
    expect(build(version).scores.accuracy).toBeGreaterThan(0.85);
  });

  it('come out as they always have', () => {
    const found = [1, 2, 3].map((version) => {
      const { encoder, model, scores, rows, size } = build(version);
      return {
        rows,
        size,
        accuracy: scores.accuracy,
        encoder: sha256(encoderToJson(encoder)),
        model: sha256(jsonOf(model)),
      };
    });
    expect(found).toMatchInlineSnapshot(`
      [
        {
          "accuracy": 0.8571428571428571,
          "encoder": "eef4a246b7a358d2da9510b07b7f3fcd19f3bac97fc9198290ee23e069f7ead4",
          "model": "0324c8caf641502067a12d4d975bfbf78626ec3bbfda31e070d2286bc2bfb75d",
          "rows": [
            36,
            14,
          ],
          "size": {
            "depth": 3,
            "leaves": 4,
          },
        },
        {
          "accuracy": 0.9545454545454546,
          "encoder": "56cbc74e5c2cdd29d9d4e3c62e1e54f3886eade72213c84362762946c08fb2ec",
          "model": "68ca03328d44cad818ac53ba6ea66b6d6799d9925a2f0634ec321474124934be",
          "rows": [
            78,
            22,
          ],
          "size": {
            "depth": 5,
            "leaves": 6,
          },
        },
        {
          "accuracy": 0.8823529411764706,
          "encoder": "15d40b9861a39fd07d47d2a3f1272061d40b7422baa94742b016a867fc5e348f",
          "model": "2f4510b3b85e1a3ee8815529e5ca0fd46aeb0f1196e1a43e6dd6fefc9c077b41",
          "rows": [
            116,
            34,
          ],
          "size": {
            "depth": 5,
            "leaves": 9,
          },
        },
      ]
    `);
  });
});
