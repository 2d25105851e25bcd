import { describe, expect, it } from 'vitest';
import { toScoredClasses } from '../../../pipeline/scoring/score-model.ts';
import { scoreClasses } from '../../../pipeline/scoring/class-scores.ts';
import { renderReport, type ReportFacts } from '../../../pipeline/scoring/report.ts';

const hostile = '<script>alert("1")</script>';
const whole = toScoredClasses(
  scoreClasses(['a', 'a', hostile, 'b', 'b', 'b'], ['a', 'b', hostile, 'b', 'b', 'a'], ['a', 'b'])!,
  Float64Array.of(1, 0.8, 1, 1, 1, 0.6),
);
const facts: ReportFacts = {
  batch: 3,
  whole,
  newBatch: null,
  model: 'A decision tree of depth 2 with 3 leaves',
  importance: [
    { feature: 'width', share: 0.25 },
    { feature: "it's <b>", share: 0.75 },
  ],
};
const text = (of: ReportFacts): string => Buffer.from(renderReport(of)).toString('utf8');

describe('a report', () => {
  it('shows the scores with their interval, the classes, the confusion and the features', () => {
    const page = text(facts);
    expect(page).toContain('<title>Version 3</title>');
    expect(page).toContain('A decision tree of depth 2 with 3 leaves, trained on batches 1 to 3.');
    expect(page).toContain('a probability of 0.9000 on average');
    expect(page).toContain('Accuracy 0.6667, 95 % interval 0.3000 to 0.9032');
    expect(page).toMatch(/<td style="background:rgba\(31,119,180,0\.850\)">2<\/td><\/tr><\/table>/);
    expect(page.indexOf('it&#39;s')).toBeLessThan(page.indexOf('width</td>'));
    expect(page).toContain('<td>0.6667</td><td>–</td>'); // the new batch has no own scores
  });

  it('escapes what comes from the data, and loads and runs nothing', () => {
    const page = text(facts);
    expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
    expect(page).not.toMatch(/<script|<b>|https?:|<link|<img|url\(/);
  });

  it('is the same bytes for the same facts', () => {
    expect(renderReport(facts)).toEqual(renderReport({ ...facts }));
  });

  it('says so where there are no test rows, or more classes than a picture can show', () => {
    expect(text({ ...facts, whole: null })).toContain('no test rows');
    const labels = Array.from({ length: 41 }, (_, i) => `c${i}`);
    expect(
      text({
        ...facts,
        whole: toScoredClasses(scoreClasses(labels, labels, labels)!, Float64Array.of(1)),
      }),
    ).toContain('41 classes');
  });
});
