import { expect, it } from 'vitest';
import { escapeControls, escapeLine } from '../../contract/controls.ts';
import { escapeMarkdown, groupDigits, markdownTable } from '../../contract/markdown.ts';

it('a Markdown table aligns columns of numbers right, and sets its cells apart', () => {
  const table = markdownTable(
    ['stage', 'rows', 'time'],
    [
      ['train', '1\u00a0240', '12 ms'],
      ['test', '', ''],
    ],
  );
  expect(table.replaceAll('\u00a0', '_')).toBe(
    [
      '| _stage_ | _rows_ | _time_ |',
      '| :--- | ---: | ---: |',
      '| _train_ | _1_240_ | _12 ms_ |',
      '| _test_ | __ | __ |',
    ].join('\n'),
  );
  // A short row has an empty cell there; one word in a column aligns it left.
  expect(markdownTable(['a', 'b'], [['1'], ['2', 'x1']]).split('\n')[1]).toBe('| ---: | :--- |');
  expect(markdownTable(['a'], [['12 msec']]).split('\n')[1]).toBe('| :--- |');
  expect(markdownTable(['a'], []).split('\n')[1]).toBe('| ---: |');
});

it('text from outside is one line of Markdown, without its links, markup or columns', () => {
  expect(escapeMarkdown('a\n\n b\t[x](y) | `c` *d* _e_ <f> #g \\')).toBe(
    'a b \\[x\\](y) \\| \\`c\\` \\*d\\* \\_e\\_ \\<f\\> \\#g \\\\',
  );
});

it('counts have their digits in groups of three', () => {
  const shown = [0, 999, 1000, 12_345, 1_234_567].map(groupDigits);
  expect(shown).toEqual(['0', '999', '1\u00a0000', '12\u00a0345', '1\u00a0234\u00a0567']);
});

it('text from outside cannot move the cursor or turn the order of letters', () => {
  expect(escapeControls('a\u001b[2J\u202e\u0007\u061c\nb\tc')).toBe(
    'a\\u001b[2J\\u202e\\u0007\\u061c\nb\tc',
  );
  expect(escapeLine('a\nb\tc\u009b')).toBe('a\\nb\\tc\\u009b');
});
