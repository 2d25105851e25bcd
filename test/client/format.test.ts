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

  it('that is wider still loses columns that may be left out, and a line below names them', () => {
    const head = [
      'version',
      { name: 'train rows', leaveOut: 2 },
      'change',
      { name: 'model', leaveOut: 1 },
    ];
    const rows = [
      ['1.1', 36, '–', 'v1'],
      ['2.1', 78, '+0.0455 within noise of 1.1', 'v2'],
    ];
    expect(formatTable(head, rows, 40).split('\n')).toEqual([
      '        train',
      'version  rows change               model',
      '    1.1    36 –                    v1',
      '    2.1    78 +0.0455 within noise v2',
      '              of 1.1',
    ]);
    expect(formatTable(head, rows, 30).split('\n')).toEqual([
      '        train',
      'version  rows change',
      '    1.1    36 –',
      '    2.1    78 +0.0455 within',
      '              noise of 1.1',
      'not shown: model (for all',
      '  columns: a wider terminal,',
      '  or --json)',
    ]);
    const narrow = formatTable(head, rows, 24).split('\n');
    expect(narrow.join(' ')).toContain('not shown: train rows,');
    for (const line of narrow) expect(line.length).toBeLessThanOrEqual(24);
    expect(formatTable(head, rows, Infinity)).not.toContain('not shown');
  });

  it('keeps words whole where it has to break its cells, unless there is no room for them', () => {
    const rows = [['balanced_accuracy', 'a verdict of three words', 'data/processed/counts.json']];
    const breakIn = (room: number): string[] =>
      formatTable(['metric', 'change', 'artifact'], rows, room).split('\n');
    expect(breakIn(61)).toEqual([
      'metric            change           artifact',
      'balanced_accuracy a verdict of     data/processed/counts.json',
      '                  three words',
    ]);
    for (const line of breakIn(52)) expect(line.length).toBeLessThanOrEqual(52);
  });

  it('has numbers with their units to the right', () => {
    const rows = [
      ['get_data', '45 ms', '4.1 kB'],
      ['train', '3 min 20 s', '275 B'],
    ];
    expect(formatTable(['stage', 'took', 'size'], rows).split('\n')).toEqual([
      'stage           took    size',
      'get_data       45 ms  4.1 kB',
      'train     3 min 20 s   275 B',
    ]);
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
