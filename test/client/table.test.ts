import { describe, expect, it } from 'vitest';
import { table } from '../../client/format.ts';
import { widthOf } from '../../client/format.ts';

describe('a table', () => {
  it('has numbers to the right, words to the left, and nothing at the ends of its lines', () => {
    const text = table(
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

  it('stays aligned beside words of any script, colours and lines within a cell', () => {
    const text = table(
      ['what', 'n'],
      [
        ['数据 🌸', 1],
        ['Überzüge', 2],
        ['two\n lines', 3],
        ['\u001b[31mred\u001b[39m', 4],
      ],
    );
    const [, ...lines] = text.split('\n');
    expect(lines.map(widthOf)).toEqual([12, 12, 12, 12]);
  });

  it('of ten thousand rows is one pass over them', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => [i, '0.9312', '2026-01-01 00:00']);
    expect(table(['version', 'accuracy', 'made'], rows).split('\n')).toHaveLength(10_001);
  });
});
