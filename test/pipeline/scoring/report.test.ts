import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { Outline } from '../../../pipeline/models/estimator.ts';
import { scoreClasses } from '../../../pipeline/scoring/class-scores.ts';
import { renderReport, type ReportFacts } from '../../../pipeline/scoring/report/report.ts';
import type { BuildFacts } from '../../../pipeline/scoring/report/build.ts';
import type { ReportMetrics } from '../../../pipeline/scoring/report/scores.ts';

const hostile = '<script>alert("1")</script>';

function score(actual: string[], predicted: string[], classes: string[]): ReportMetrics {
  const { rows, per_class, confusion_matrix, ...numbers } = scoreClasses(
    actual,
    predicted,
    classes,
  )!;
  const scores = Object.fromEntries(per_class.map(({ label, ...one }) => [label, one]));
  return { ...numbers, test_rows: rows, classes: scores, confusion_matrix };
}

const outline: Outline = {
  kind: 'question',
  text: 'width < 1.5',
  rows: 12,
  yes: { kind: 'answer', text: 'a', share: 0.75, index: 0 },
  no: { kind: 'answer', text: hostile, share: 1, index: 1 },
};

const facts: ReportFacts = {
  batch: 3,
  metrics: {
    ...score(['a', 'a', hostile, 'b', 'b', 'b'], ['a', 'b', hostile, 'b', 'b', 'a'], ['a', 'b']),
    new_batch: { test_rows: 0 },
  },
  confidence: 0.9,
  model: 'A decision tree of depth 1 with 2 leaves',
  importance: [
    { feature: 'width', share: 0.25 },
    { feature: "it's <b>", share: 0.75 },
  ],
  outline,
};

const build: BuildFacts = {
  pipeline: 'wine',
  seq: 2,
  createdAt: '2026-03-04T05:06:07.890Z',
  source: 'wine.csv',
  rows: { all: 18, newBatch: 6, train: 12_345 },
  params: { 'model.max_depth': 3, 'data.target': 'species' },
  trial: null,
  promotion: [],
  previous: {
    name: 'version 2',
    params: { 'model.max_depth': 5, 'data.target': 'species' },
  },
  compared: [],
  history: [
    { version: 1, metrics: { accuracy: 0.4, accuracy_low: 0.1, accuracy_high: 0.7 } },
    { version: 2, metrics: { accuracy: 0.5, accuracy_low: 0.2, accuracy_high: 0.8 } },
    { version: 3, metrics: { accuracy: 0.6667, new_batch_accuracy: 0.25 } },
  ],
  links: [
    { text: 'The run in Temporal', href: 'http://localhost:8233/a?b=1&c="2"' },
    { text: 'A folder', href: 'javascript:alert(1)' },
  ],
  gitCommit: null,
  warnings: [`train: ${hostile}`],
  lineage: '<svg role="img"><title>Lineage</title></svg>',
};

async function html(of: ReportFacts): Promise<string> {
  return Buffer.from(await renderReport(of)).toString('utf8');
}

async function open(of: ReportFacts) {
  const { document } = parseHTML(await html(of));
  const text = (selector: string): string[] =>
    [...document.querySelectorAll(selector)].map((element) =>
      (element.textContent ?? '').replace(/[\u00a0\u202f\s]+/g, ' ').trim(),
    );
  return { document, text };
}

describe('a report', () => {
  it('shows the scores with their interval, the classes, the mistakes and the features', async () => {
    const { text } = await open(facts);
    expect(text('title')[0]).toBe('Version 3');
    expect(text('.lead')).toEqual([
      'A decision tree of depth 1 with 2 leaves, trained on batches 1 to 3 and tested on 6 other rows.',
    ]);
    expect(text('.cards dd')).toEqual([
      '66.7 %95 % interval 30.0 % to 90.3 %',
      '6never trained on',
    ]);
    expect(text('section[aria-labelledby=scores] tbody tr')[0]).toContain('0.3000 to 0.9032');
    expect(text('section[aria-labelledby=scores] .note').join('')).toContain('90.0 % on average');
    expect(text('.matrix tbody th')).toEqual([hostile, 'a', 'b']);
    expect(text('.matrix td.hit')).toEqual(['1', '1', '2']);
    expect(text('section[aria-labelledby=confusion] p')).toEqual([
      '4 of 6 test rows are predicted right and 2 wrong. The most frequent mistake: a predicted as b (1).',
    ]);
    expect(text('section[aria-labelledby=importance] tbody th')).toEqual(["it's <b>", 'width']);
  });

  it('draws the decisions of the model, and lists them', async () => {
    const { document, text } = await open(facts);
    const drawing = document.querySelector('section[aria-labelledby=tree] svg')!;
    expect(drawing.querySelector('title')!.textContent).toContain('as a tree');
    expect(drawing.textContent).toContain('width < 1.5?12 train rows');
    expect(text('section[aria-labelledby=tree] ul')[0]).toBe(
      `width < 1.5?yes: a (75.0 % of its train rows)no: ${hostile} (100.0 % of its train rows)`,
    );
  });

  it('keeps a drawing small, and the deeper questions in the list', async () => {
    const deep = (level: number): Outline =>
      level === 0
        ? { kind: 'answer', text: 'a', share: 1, index: 0 }
        : {
            kind: 'question',
            text: `q${level}`,
            rows: 1,
            yes: deep(level - 1),
            no: deep(level - 1),
          };
    const { document, text } = await open({ ...facts, outline: deep(7) });
    const drawing = document.querySelector('section[aria-labelledby=tree] svg')!;
    expect(drawing.querySelectorAll('rect')).toHaveLength(31);
    expect(drawing.textContent).toContain('… 8 predictions');
    expect(text('section[aria-labelledby=tree] summary')).toContain(
      'The tree as a list (128 predictions)',
    );
  });

  it('of a published build also shows its data, its params, what changed and the versions before', async () => {
    const { document, text } = await open({ ...facts, build });
    expect(text('h1')).toEqual(['wine · version 3']);
    expect(text('.over')).toEqual(['Report of a model · build 2 · 4 March 2026, 05:06 UTC']);
    expect(text('.lead')[0]).toContain('trained on 12 345 rows of batches 1 to 3');
    expect(text('section[aria-labelledby=params] table')[0]).toContain('model.max_depth53');
    expect(text('section[aria-labelledby=curve] tbody tr')).toEqual([
      'version 10.40000.1000 to 0.7000–',
      'version 20.50000.2000 to 0.8000–',
      'version 30.6667–0.2500',
    ]);
    expect(document.querySelector('section[aria-labelledby=curve] svg title')!.textContent).toBe(
      'accuracy of versions 1 to 3',
    );
    expect(text('section[aria-labelledby=made] li')).toEqual([`train: ${hostile}`]);
    expect(text('section[aria-labelledby=lineage] figure svg')).toEqual(['Lineage']);
  });

  const older = {
    rows: 6,
    accuracy: 0.5,
    accuracy_low: 0.2,
    accuracy_high: 0.8,
    f1_macro: 0.1,
    accuracy_change: 'within noise',
    prequential_rows: 6,
    prequential_accuracy: 0.8,
    prequential_accuracy_low: 0.4,
    prequential_accuracy_high: 0.9,
  };

  it('compares with the version before on the same rows, and says what is within noise', async () => {
    const compared = [{ name: 'version 2', facts: older }];
    const { text } = await open({ ...facts, build: { ...build, compared } });
    expect(text('.cards dt')[1]).toBe('Change against version 2, same rows');
    expect(text('.cards dd')[1]).toBe('+16.7 pointswithin noise, version 2: 50.0 %');
    const rows = text('section[aria-labelledby=compared] tbody tr');
    expect(rows[0]).toBe('accuracy0.66670.50000.2000 to 0.8000+0.1667 within noise––');
    expect(rows[1]).toMatch(/^f1_macro0\.\d+0\.1000\+0\.\d+––$/);
    expect(rows.at(-2)).toBe('accuracy0.80000.4000 to 0.9000');
    expect(text('section[aria-labelledby=compared] caption')[1]).toContain(
      'version 2 on the whole new batch, before any model was trained on it',
    );
  });

  it('never shows the scores of the champion as those of this version', async () => {
    const champion = {
      rows: 4,
      left_out: 2,
      accuracy: 0.25,
      own_accuracy: 0.75,
      accuracy_change: 'better',
      new_batch_rows: 2,
      new_batch_accuracy: 0.125,
    };
    const compared = [
      { name: 'version 2', facts: older },
      { name: 'champion 1.1', facts: champion },
    ];
    const { text } = await open({ ...facts, build: { ...build, compared } });
    const own = text('section[aria-labelledby=scores] tbody tr').join(' ');
    expect(own).toContain('0.6667');
    for (const theirs of ['0.2500', '0.1250', '0.7500']) expect(own).not.toContain(theirs);
    expect(text('.cards dd')[2]).toBe('+50.0 points▲ better, champion 1.1: 25.0 %');
    const tables = text('section[aria-labelledby=compared] thead');
    expect(tables[2]).toBe(
      'scorethis versionchampion 1.195 % intervalchangechampion 1.1, new batch95 % intervalchange',
    );
    expect(text('section[aria-labelledby=compared] .note')).toContain(
      '2 test rows are left out of the comparison with champion 1.1, because one of the two models was trained on equal rows.',
    );
  });

  it('of a trial says that it is one, and is not published', async () => {
    const { text } = await open({ ...facts, build: { ...build, trial: 'model.max_depth=1' } });
    expect(text('.over')[0]).toContain('Report of a trial · build 2');
    expect(text('header > p')).toContain(
      'This build is a trial with model.max_depth=1. It is not published.',
    );
  });

  it('shows a chart of many versions as well as of a few', async () => {
    const history = Array.from({ length: 50 }, (_, i) => ({
      version: i + 1,
      metrics: { accuracy: 0.5 + i / 200, accuracy_low: 0.4, accuracy_high: 0.9 },
    }));
    const { document } = await open({ ...facts, batch: 50, build: { ...build, history } });
    const chart = document.querySelector('section[aria-labelledby=curve] svg')!;
    expect(chart.querySelectorAll('circle')).toHaveLength(1);
    expect(chart.textContent).toContain('46');
  });

  it('says what the gate decided, and which build is the champion', async () => {
    const promotion = ['The gate: hold, because it is <b>worse</b>.', 'The champion: 2.1.'];
    const { text } = await open({ ...facts, build: { ...build, promotion } });
    expect(text('header p')).toEqual(expect.arrayContaining(promotion));
  });

  it('escapes what comes from the data, and loads and runs nothing', async () => {
    const page = await html({ ...facts, build });
    expect(page).toContain('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;');
    expect(page).not.toMatch(/<script|<b>|<link|<img|url\(|@import|href="javascript| on\w+=/);
    const { document } = await open({ ...facts, build });
    expect([...document.querySelectorAll('a')].map((link) => link.getAttribute('href'))).toEqual([
      'http://localhost:8233/a?b=1&c="2"',
    ]);
  });

  it('can be read without seeing it: headings in order, captions, titles of pictures', async () => {
    const { document } = await open({ ...facts, build });
    const levels = [...document.querySelectorAll('h1,h2,h3')].map(({ tagName }) => tagName[1]);
    levels.reduce((before, level) => {
      expect(Number(level)).toBeLessThanOrEqual(Number(before) + 1);
      return level;
    });
    for (const table of document.querySelectorAll('table')) {
      expect(table.querySelector('caption')!.textContent).not.toBe('');
      expect(table.querySelectorAll('th[scope=col]').length).toBeGreaterThan(0);
      expect(table.querySelectorAll('th[scope=row]').length).toBeGreaterThan(0);
    }
    for (const picture of document.querySelectorAll('svg')) {
      expect(picture.getAttribute('role')).toBe('img');
      expect(picture.querySelector('title')!.textContent).not.toBe('');
    }
    for (const section of document.querySelectorAll('section'))
      expect(document.getElementById(section.getAttribute('aria-labelledby'))).not.toBeNull();
    expect(document.documentElement.getAttribute('lang')).toBe('en');
  });

  it('is the same bytes for the same facts', async () => {
    expect(await html({ ...facts, build })).toBe(await html({ ...facts, build: { ...build } }));
  });

  it('says so where there are no test rows, or more classes than a table can show', async () => {
    const empty = { test_rows: 0, new_batch: { test_rows: 0 } };
    expect(await html({ ...facts, metrics: empty, confidence: null })).toContain('no test rows');
    const labels = Array.from({ length: 41 }, (_, i) => `c${i}`);
    expect(await html({ ...facts, metrics: score(labels, labels, labels) })).toContain(
      '41 classes are too many',
    );
  });
});

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(a: string, b: string): number {
  const light = (colour: string): number => {
    const full = colour.length === 4 ? colour.replace(/[^#]/g, '$&$&') : colour;
    const [r, g, blue] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(full.slice(at, at + 2), 16) / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * blue!;
  };
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

describe('the colours of a report', () => {
  it('have enough contrast for text in both schemes', async () => {
    const schemes = [...(await html(facts)).matchAll(/:root\{([^}]*)\}/g)].map(([, rules]) =>
      Object.fromEntries(rules!.split(';').map((rule) => rule.split(':') as [string, string])),
    );
    expect(schemes).toHaveLength(2);
    for (const colours of schemes)
      for (const name of ['fg', 'muted', 'accent', 'good', 'bad'])
        for (const ground of ['bg', 'panel'])
          expect(contrast(colours[`--${name}`]!, colours[`--${ground}`]!)).toBeGreaterThan(4.5);
  });
});
