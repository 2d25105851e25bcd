import { describe, expect, it } from 'vitest';
import type { Column } from '../../../pipeline/batches/columns.ts';
import {
  type ColumnContract,
  conform,
  type ConformOptions,
  STRICT,
  conformBatch,
} from '../../../pipeline/batches/conform.ts';
import { MISSING_VALUES } from '../../../contract/defaults.ts';
import { CELLS } from '../support.ts';

const columns: Column[] = [
  { name: 'n', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'y', type: 'category' },
];
const options: ConformOptions = {
  file: 'may.csv',
  target: 'y',
  key: null,
  cells: CELLS,
  contract: STRICT,
};
const IGNORE: ColumnContract = { newColumn: 'ignore', missingColumn: 'ignore' };
const ADAPT: ColumnContract = { newColumn: 'adapt', missingColumn: 'adapt' };
const plan = (header: string[], contract: ColumnContract, more: Partial<ConformOptions> = {}) =>
  conform(header, columns, { ...options, contract, ...more });

describe('conform', () => {
  it.each([STRICT, IGNORE, ADAPT])('takes the frozen columns unchanged under %j', (contract) => {
    const found = plan(['n', 'c', 'y'], contract);
    expect(found).toMatchObject({ header: ['n', 'c', 'y'], from: [0, 1, 2], warnings: [] });
  });

  it('leaves a new column out, or keeps it behind the frozen ones', () => {
    expect(plan(['n', 'z', 'c', 'y'], IGNORE)).toMatchObject({
      header: ['n', 'c', 'y'],
      from: [0, 2, 3],
      warnings: ['may.csv adds column "z", which is left out'],
    });
    expect(plan(['n', 'z', 'c', 'y'], ADAPT)).toMatchObject({
      header: ['n', 'c', 'y', 'z'],
      from: [0, 2, 3, 1],
      warnings: [
        'may.csv adds column "z": a feature from this batch on, and missing in earlier ones',
      ],
    });
  });

  it('leaves a missing column out, or writes it with missing cells', () => {
    const warnings = ['may.csv lacks column "c": it is missing in these rows'];
    expect(plan(['n', 'y'], IGNORE)).toMatchObject({ header: ['n', 'y'], from: [0, 1], warnings });
    expect(plan(['n', 'y'], ADAPT)).toMatchObject({
      header: ['n', 'c', 'y'],
      from: [0, null, 1],
      fill: '',
      warnings,
    });
    expect(plan(['n', 'y'], ADAPT, { cells: { missing: ['NA'] } }).fill).toBe('NA');
  });

  it('puts columns in their order once a change is let through', () => {
    expect(plan(['y', 'c', 'n'], ADAPT)).toMatchObject({
      header: ['n', 'c', 'y'],
      from: [2, 1, 0],
    });
  });

  it('knows that a file may lack a column that is open or that a later file added, and no other', () => {
    const known: Column[] = [
      { name: 'open', type: 'ignore', open: true },
      { name: 'decided', type: 'number', since: 2, open: true },
      { name: 'later', type: 'category', since: 2 },
      { name: 'ignored', type: 'ignore' },
      ...columns,
    ];
    const read = (header: string[]) => conform(header, known, options);
    expect(read(['ignored', 'n', 'c', 'y'])).toEqual({
      header: ['ignored', 'n', 'c', 'y'],
      from: [0, 1, 2, 3],
      fill: '',
      warnings: ['may.csv lacks column "decided", "later": it is missing in these rows'],
    });
    expect(() => read(['n', 'c', 'y'])).toThrow('may.csv lacks column "ignored", which earlier');
    const early: Column[] = [{ name: 'early', type: 'number', open: true }, ...columns];
    expect(() => conform(['n', 'c', 'y'], early, options)).toThrow('may.csv lacks column "early"');
  });

  it.each<[string[], ColumnContract, Partial<ConformOptions>, string]>([
    [
      ['n', 'y'],
      { ...ADAPT, missingColumn: 'fail' },
      {},
      'may.csv lacks column "c", which earlier batches have: correct the header, or start a new pipeline for data of another shape, or set data.on_missing_column to ignore or adapt',
    ],
    [
      ['n', 'y', 'z'],
      { ...ADAPT, missingColumn: 'fail', newColumn: 'fail' },
      {},
      'may.csv lacks column "c", which earlier batches have, and adds column "z": correct the header, or start a new pipeline for data of another shape, or set data.on_missing_column and data.on_new_column to ignore or adapt',
    ],
    [
      ['a'],
      { ...ADAPT, missingColumn: 'fail', newColumn: 'fail' },
      {},
      'may.csv lacks columns "n", "c", "y", which earlier batches have, and adds column "a": correct the header, or start a new pipeline for data of another shape',
    ],
    [
      ['n', 'c', 'y', 'z'],
      { ...ADAPT, newColumn: 'fail' },
      {},
      'may.csv adds column "z", which earlier batches lack: correct the header, or start a new pipeline for data of another shape, or set data.on_new_column to ignore or adapt',
    ],
    [
      ['n', 'c'],
      ADAPT,
      {},
      'may.csv lacks column "y", which every batch needs as the target: add it to the file',
    ],
    [
      ['n', 'y'],
      IGNORE,
      { key: ['c'] },
      'may.csv lacks column "c", which every batch needs as part of split.key or split.time_column: add it to the file',
    ],
    [
      ['n', 'y'],
      ADAPT,
      { cells: { missing: [] } },
      'may.csv lacks column "c", and data.missing_values has no word to write in its place: add ""',
    ],
  ])('refuses %j under %j', (header, contract, more, sentence) => {
    expect(() => plan(header, contract, more)).toThrow(
      expect.objectContaining({
        name: sentence.includes('has no word') ? 'BadParams' : 'BadData',
        message: sentence,
      }),
    );
  });
});

describe('columns that are matched by position', () => {
  const byPosition = (header: string[]) => plan(header, STRICT, { columnsBy: 'position' });

  it('keep their earlier names, and a warning names the first that differs', () => {
    expect(byPosition(['n', 'c', 'y'])).toEqual({
      header: ['n', 'c', 'y'],
      from: [0, 1, 2],
      fill: '',
      warnings: [],
    });
    expect(byPosition(['n', 'z', 'x'])).toMatchObject({
      header: ['n', 'c', 'y'],
      from: [0, 1, 2],
      warnings: [
        'column 2 of may.csv is "z", and in earlier batches it is "c": data.columns_by=position reads it under the earlier name',
      ],
    });
  });

  it('are named from the first on', () => {
    expect(byPosition(['x', 'c', 'z']).warnings).toEqual([
      'column 1 of may.csv is "x", and in earlier batches it is "n": data.columns_by=position reads it under the earlier name',
    ]);
  });

  it.each([[['n', 'c']], [['n', 'c', 'y', 'z']]])(
    'are refused where their number differs: %j',
    (header) => {
      expect(() => byPosition(header)).toThrow(
        `may.csv has ${header.length} columns where earlier batches have 3, and data.columns_by=position matches them by their order`,
      );
    },
  );
});

describe('a batch made of a file', () => {
  const conformText = (
    text: string,
    more: Partial<Parameters<typeof conformBatch>[0]> & { contract: ColumnContract },
  ) => {
    const { file, target } = options;
    const from = { file, target, key: null, cells: CELLS, delimiter: ',' };
    return conformBatch({ ...from, bytes: Buffer.from(text), columns, ...more });
  };
  const batch = (text: string, contract: ColumnContract) => {
    const { bytes, rows } = conformText(text, { contract });
    return [Buffer.from(bytes).toString(), rows];
  };

  it('has the earlier names, and is checked under them, where columns are matched by position', () => {
    const more = { contract: STRICT, columnsBy: 'position' } as const;
    const { bytes, added } = conformText('a,b,d\n1,x,p\n', more);
    expect([Buffer.from(bytes).toString(), added]).toEqual(['n,c,y\n1,x,p\n', []]);
    expect(() => conformText('a,b,d\nmany,x,p\n', more)).toThrow('column "n": "many"');
  });

  it('adds the types of its new columns, unless the run leaves them as they are', () => {
    const text = 'n,c,y,z\n1,a,p,7\n2,b,q,8\n';
    expect(conformText(text, { contract: ADAPT }).added).toEqual([{ name: 'z', type: 'number' }]);
    expect(conformText(text, { contract: ADAPT, addsColumns: false }).added).toEqual([]);
    expect(conformText(text, { contract: IGNORE }).added).toEqual([]);
  });

  it('decides an open column once it has a value in it', () => {
    const open: Column[] = [...columns, { name: 'o', type: 'ignore', open: true }];
    const decide = (text: string) => conformText(text, { contract: STRICT, columns: open });
    expect(decide('n,c,y,o\n1,a,p,\n').added).toEqual([]);
    const { added, warnings } = decide('n,c,y,o\n1,a,p,x\n2,b,q,z\n');
    expect(added).toMatchObject([{ name: 'o', type: 'category' }]);
    expect(warnings).toContain(
      'may.csv has the first values of column "o": its type is category, and it is a feature from this batch on and missing in earlier ones',
    );
    // A file may also lack it.
    expect(decide('n,c,y\n1,a,p\n')).toMatchObject({ added: [], warnings: [] });
  });

  it('decides no column that was declared to be ignored, and names each decided column once', () => {
    const known: Column[] = [
      ...columns,
      { name: 'o', type: 'ignore', open: true },
      { name: 'id', type: 'ignore' },
    ];
    const { added, warnings } = conformText('n,c,y,o,id,z\n1,a,p,7,8,9\n2,b,q,8,9,10\n', {
      contract: ADAPT,
      columns: known,
    });
    expect(added).toEqual([
      { name: 'o', type: 'number' },
      { name: 'z', type: 'number' },
    ]);
    expect(warnings).toEqual([
      'may.csv adds column "z": a feature from this batch on, and missing in earlier ones',
      'may.csv has the first values of column "o": its type is number, and it is a feature from this batch on and missing in earlier ones',
    ]);
  });

  it('warns of a new column without a value, and not of one that was open before', () => {
    const open: Column[] = [...columns, { name: 'o', type: 'ignore', open: true }];
    const { added, warnings } = conformText('n,c,y,o,z\n1,a,p,,NA\n', {
      contract: ADAPT,
      columns: open,
    });
    expect(added).toEqual([]);
    expect(warnings).toEqual([
      'may.csv adds column "z": a feature from this batch on, and missing in earlier ones',
      'may.csv: column "z" holds no known value, and is left out until a later batch has one',
    ]);
  });

  it('counts default words for a missing cell in its columns of words, and in no other', () => {
    const wide: Column[] = [
      { name: 'gone', type: 'category' },
      { name: 'c', type: 'category' },
      { name: 'n', type: 'number' },
      { name: 'd', type: 'category' },
      { name: 'y', type: 'category' },
    ];
    const text =
      'c,n,d,y\nNA,NA,x,p\n NA ,1,NA,p\n"",2,"",NA\nnot NA at all,3,x,q\nNAN,4,#N/A N/A,q\n';
    const warn = (missing: readonly string[]) =>
      conformText(text, { contract: IGNORE, columns: wide, cells: { missing } }).warnings.slice(1);
    const sentence = (name: string, found: string, list: string) =>
      `may.csv: column "${name}" holds words, and by default these cells are read as missing: ${found}; to keep them as words, start a pipeline with data.missing_values: [""]; if they are missing, with data.missing_values: ${list}`;
    expect(warn(MISSING_VALUES)).toEqual([
      sentence('c', '"NA" (2 rows)', '["","NA"]'),
      sentence('d', '"NA" (1 row), "#N/A N/A" (1 row)', '["","NA","#N/A N/A"]'),
      sentence('y', '"NA" (1 row)', '["","NA"]'),
    ]);
    // Words that somebody chose are not questioned.
    expect(warn([...MISSING_VALUES, 'x'])).toEqual([]);
    expect(warn(MISSING_VALUES.with(2, 'x'))).toEqual([]);
  });

  it('is read with its delimiter, and refused where its header seems to have another', () => {
    const contract = STRICT;
    const { bytes } = conformText('n;c;y\n1;a,b;p\n', { contract, delimiter: ';' });
    expect(Buffer.from(bytes).toString()).toBe('n,c,y\n1,"a,b",p\n');
    expect(() => conformText('n,c,y\n1,a,p\n', { contract, delimiter: ';' })).toThrow(
      expect.objectContaining({
        name: 'BadData',
        message:
          'may.csv has a single column, "n,c,y", when it is split at ";": its delimiter seems to be ","; save it with ";", as the batches before it',
      }),
    );
  });

  it('is the file as canonical CSV where its columns are the frozen ones', () => {
    expect(batch('n,c,y\r\n1,"a",p\r\n', STRICT)).toEqual(['n,c,y\n1,a,p\n', 1]);
  });

  it('has the columns that the contract lets through', () => {
    expect(batch('z,y,n\n9,p,1\n8,q,2\n', ADAPT)).toEqual(['n,c,y,z\n1,,p,9\n2,,q,8\n', 2]);
    expect(batch('z,y,n\n9,p,1\n', IGNORE)).toEqual(['n,y\n1,p\n', 1]);
  });

  it('is refused where a column of numbers now holds text', () => {
    expect(() => batch('n,c,y\n1,a,p\nmany,a,p\n', ADAPT)).toThrow(
      'may.csv, row 2 (line 3), column "n": "many" is not a number',
    );
  });
});
