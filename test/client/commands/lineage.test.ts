import { describe, expect, it } from 'vitest';
import { buildLineage } from '../../../client/commands/lineage/graph.ts';
import { shortenMd5 } from '../../../client/origin.ts';
import { drawMermaid, drawSvg, drawText } from '../../../client/commands/lineage/drawings.ts';
import { withPath, type Ref } from '../../../contract/ref.ts';
import { buildRecord, file } from '../records.ts';

/** Files of the merged data as the outputs of prepare_batch. */
const eachBatch = (files: readonly Ref[]): Map<string, Ref[]> =>
  new Map([['prepare_batch', files.map((one) => withPath(`data/batches/${one.path}`, one))]]);

const { record, batches } = buildRecord(2);
const lineage = buildLineage(record, eachBatch(batches), undefined);

function from(path: string): string[] {
  const { nodes, edges } = lineage;
  const { id } = nodes.find((node) => node.path === path)!;
  const sources = edges.filter(({ to }) => to === id).map((edge) => edge.from);
  return nodes.filter((node) => sources.includes(node.id)).map((node) => node.path);
}

describe('the lineage of a version', () => {
  it('has every artifact of the record, and every batch', () => {
    const outputs = record.stages.flatMap(({ outputs: made }) => Object.values(made));
    for (const { path, sha256 } of outputs)
      expect(lineage.nodes).toContainEqual(expect.objectContaining({ path, sha256 }));
    expect(lineage.nodes.filter(({ kind }) => kind === 'batches')).toHaveLength(2);
    expect(new Set(lineage.nodes.map(({ id }) => id)).size).toBe(lineage.nodes.length);
  });

  it('says what each was made from', () => {
    expect(from('data/batches/batch_000001.csv')).toEqual([
      'data/raw/iris.csv',
      'data/raw/columns.json',
    ]);
    expect(from('data/merged/')).toEqual([
      'data/batches/batch_000001.csv',
      'data/batches/batch_000002.csv',
    ]);
    expect(from('models/batch_2/model.json')).toEqual([
      'data/processed/train/',
      'data/processed/encoder.json',
    ]);
    expect(from('metrics/batch_2.json')).toEqual([
      'data/processed/test/',
      'data/processed/encoder.json',
      'models/batch_2/model.json',
    ]);
  });

  it('is a tree of columns on the terminal', () => {
    const [title, , ...lines] = drawText(lineage).split('\n');
    expect(title).toBe('iris · version 2 · build 1');
    expect(lines.map((line) => line.replace(/ +[0-9a-f]{8} .*$/, ''))).toEqual([
      'raw                     data/raw/iris.csv',
      '│                       data/raw/columns.json',
      '└─ batches              data/batches/batch_000001.csv',
      '   │                    data/batches/batch_000002.csv',
      '   └─ merged            data/merged/',
      '      └─ splits         data/processed/train/',
      '         │              data/processed/test/',
      '         │              data/processed/encoder.json',
      '         └─ model       models/batch_2/model.json',
      '            └─ metrics  metrics/batch_2.json',
    ]);
    const model = lines.find((line) => line.includes('model.json'))!;
    expect(model).toMatch(/ {2}[0-9a-f]{8} +25 B$/);
  });

  it('draws a long row of batches short', () => {
    const many = buildRecord(500);
    const long = buildLineage(many.record, eachBatch(many.batches), undefined);
    expect(long.nodes.filter(({ kind }) => kind === 'batches')).toHaveLength(500);
    for (const drawn of [drawText(long), drawMermaid(long), drawSvg(long)]) {
      expect(drawn).toMatch(/… 49[46] more/);
      expect(drawn).toContain('batch_000500.csv');
      expect(drawn).not.toContain('batch_000250.csv');
    }
  });

  it('names the stages in its picture, in words too, and fits a page for 50 batches', () => {
    const many = buildRecord(50);
    const svg = drawSvg(buildLineage(many.record, eachBatch(many.batches), undefined));
    for (const stage of ['prepare_batch', 'merge_data', 'preprocess', 'train', 'evaluate'])
      expect(svg).toContain(`>${stage}</text>`);
    expect(svg).toContain('merge_data makes data/merged/ from data/batches/batch_000001.csv');
    const [, width, height] = /viewBox="0 0 (\S+) (\S+)"/.exec(svg)!.map(Number);
    // Letters of 12 pixels are 7 points high on a page of 18 by 26 cm, so they can be read.
    expect(width).toBeLessThan(1_000);
    expect(height).toBeLessThan(1_000);
  });

  it('has the same picture each time', () => {
    expect(drawSvg(lineage)).toBe(drawSvg({ ...lineage }));
  });
});

describe('names of every kind', () => {
  const odd = file('data/raw/a "b" <c> #d; & `e` ]|é😀.csv');
  const { record: other, batches: cut } = buildRecord(1, odd);
  const drawn = buildLineage(other, eachBatch(cut), undefined);

  it('are written as codes in Mermaid', () => {
    const box = drawMermaid(drawn)
      .split('\n')
      .find((line) => line.includes(shortenMd5(odd.md5)))!;
    expect(box).toBe(
      `    n0["data/raw/a #34;b#34; #60;c#62; #35;d#59; #38; #96;e#96; #93;#124;é#128512;.csv<br/>${shortenMd5(odd.md5)} · 41 B"]`,
    );
  });

  it('are written as text in SVG', () => {
    const svg = drawSvg(drawn);
    expect(svg).toContain('&#34;b&#34; &#60;c&#62; #d; &#38; `e` ]|é😀.csv');
    expect(svg).not.toMatch(/<c>| & /);
  });
});
