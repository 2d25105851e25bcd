import stringWidth from 'string-width';
import { expect, it, vi } from 'vitest';
import { formatStage, openDisplay } from '../../client/display.ts';

const note =
  'the S3 server at http://127.0.0.1:8333 does not answer (connection refused): start it with "npx retrain stack up"';

it.each([60, 80, 140])('no line of a stage is longer than a terminal of %i columns', (width) => {
  const view = {
    stage: 'prepare_batch',
    state: 'retrying',
    durationMs: 3_599_000,
    size: 999_900_000,
    note,
    progress: { stage: 'prepare_batch', fraction: 0.31, rows: 1_234_567 },
  } as const;
  const lines = formatStage(view, width).split('\n');
  for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
  expect(
    lines
      .slice(1)
      .map((line) => line.trim())
      .join(' '),
  ).toBe(note);
  expect(lines[0]).toMatch(width < 80 ? /31 %/ : /━+─+ {2}31 % {2}1\.2 M rows$/);
});

it('where there is no terminal, the reason of a retry is one line', () => {
  const lines = formatStage({ stage: 'train', state: 'retrying', note }).split('\n');
  expect(lines.map((line) => line.trim())).toEqual([
    expect.stringMatching(/train +retrying$/),
    note,
  ]);
});

it('where there is no terminal, a reason is said once, however many attempts it fails', () => {
  let said = '';
  const write = vi
    .spyOn(process.stderr, 'write')
    .mockImplementation((text) => ((said += String(text)), true));
  const display = openDisplay('iris · batch 1');
  for (const attempt of [2, 3, 4])
    display.watch([{ stage: 'train', state: 'retrying', note: `attempt ${attempt}: no MLflow` }]);
  display.watch([{ stage: 'train', state: 'retrying', note: 'attempt 5: no S3' }]);
  display.stop();
  write.mockRestore();
  expect(said.match(/attempt.*/g)).toEqual(['attempt 2: no MLflow', 'attempt 5: no S3']);
});
