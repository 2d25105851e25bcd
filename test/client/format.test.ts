import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatTable, formatTime } from '../../client/format.ts';

describe('a table', () => {
  it('has numbers to the right, words to the left, and nothing at the ends of its lines', () => {
    const text = formatTable(
      ['name', 'rows'],
      [
        ['a', 12],
        ['longer', 3],
      ],
    );
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/name.* {4}.*rows/),
      'a         12',
      'longer     3',
    ]);
  });

  it('stays aligned beside words of any script, and beside cells of several lines', () => {
    const text = formatTable(
      ['what', 'n'],
      [
        ['数据 🌸', 1],
        ['Überzüge', 2],
        ['two\n lines', 3],
      ],
    );
    const [, ...lines] = text.split('\n');
    expect(lines.map((line) => stringWidth(line))).toEqual([12, 12, 12]);
  });

  it('that is wider than the terminal has heads of several lines, and then narrower gaps', () => {
    const head = ['version', 'new batch', 'made (UTC)'];
    const rows = [[1, '0.9167', '2026-11-29 09:20']];
    expect(formatTable(head, rows, 36).split('\n')).toEqual([
      'version  new batch  made (UTC)',
      '      1     0.9167  2026-11-29 09:20',
    ]);
    expect(formatTable(head, rows, 35).split('\n')).toEqual([
      '            new',
      'version   batch  made (UTC)',
      '      1  0.9167  2026-11-29 09:20',
    ]);
    expect(formatTable(head, rows, 31).split('\n')).toEqual([
      '           new',
      'version  batch made (UTC)',
      '      1 0.9167 2026-11-29 09:20',
    ]);
  });

  it('that is wider still has cells of several lines in its widest column of words', () => {
    const head = ['trial', 'params', 'model.max_depth'];
    const rows = [
      [1, 'model.max_depth=3, data.batch_size=60', 3],
      [2, 'split.key=id', '–'],
    ];
    expect(formatTable(head, rows, 40).split('\n')).toEqual([
      '                                  model.',
      '                                    max_',
      'trial params                       depth',
      '    1 model.max_depth=3,               3',
      '      data.batch_size=60',
      '    2 split.key=id                     –',
    ]);
  });

  it('of ten thousand rows is one pass over them', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => [i, '0.9312', '2026-01-01 00:00']);
    expect(formatTable(['version', 'accuracy', 'made'], rows).split('\n')).toHaveLength(10_001);
  });
});

describe('duration', () => {
  it.each([
    [7, '7 ms'],
    [1_240, '1.2 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [12 * 3_600_000, '12 h'],
    [3_600_000 + 90_000, '1 h 2 min'],
  ])('of %d ms is %s', (ms, said) => {
    expect(formatDuration(ms)).toBe(said);
  });
});

it('a time is what the clock shows in its time zone, across daylight saving', () => {
  expect(formatTime('2026-11-30T01:00:39.005Z', 'Europe/Berlin')).toBe(
    '2026-11-30 02:00 Europe/Berlin',
  );
  expect(formatTime('2026-07-30T00:00:39.005Z', 'Europe/Berlin')).toBe(
    '2026-07-30 02:00 Europe/Berlin',
  );
  expect(formatTime('2026-11-30T01:00:39.005Z', null)).toBe('2026-11-30 01:00 UTC');
});
