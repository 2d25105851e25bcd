import { expect, it } from 'vitest';
import { readMetrics } from '../../store/metrics-file.ts';
import { refOf } from '../../store/hash.ts';

it('an artifact that is not what its stage writes is damaged, and the error says where to look', () => {
  for (const text of ['# no JSON', '[1, 2]']) {
    const bytes = Buffer.from(text);
    const ref = refOf('metrics/batch_1.json', bytes);
    expect(() => readMetrics(bytes, ref)).toThrow(
      expect.objectContaining({
        name: 'DamagedArtifact',
        details: { ref, isForeign: true },
        message: expect.stringMatching(
          /^metrics\/batch_1\.json \(\w+\) does not hold what its stage writes \(.*\), so a record, a cache entry or the ledger names the wrong object: find it with ".* verify"/,
        ),
      }),
    );
  }
});
