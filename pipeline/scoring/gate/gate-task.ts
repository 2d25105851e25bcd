import { quote, quoteList } from '../../csv/quote.ts';
import type { SplitRule } from '../../../contract/defaults.ts';
import { BadData } from '../../../contract/failures.ts';
import type { GateDecision } from '../../../contract/promotion.ts';
import type { Files } from '../../batches/files.ts';
import { openModel, type StoredModel } from '../../models/estimators.ts';
import type { Report } from '../../progress.ts';
import { leaveOutOfBoth, type TrainedByEither } from '../leakage.ts';
import { pairRows, type PairedRows } from '../pairs.ts';
import { type Contest, decideTested, hold } from './decide.ts';
import { type Difference, testDifference } from './difference.ts';

/**
 * The fewest rows of a slice that is tested. With fewer rows a test can hardly show anything, and each slice that is
 * tested makes the test of the others stricter.
 */
const FEWEST = 30;

/** The scores of one slice, for the decision file. */
export interface SliceScores extends Difference {
  /** `column=value` */
  slice: string;
  rows: number;
}

/**
 * Compares the challenger with the champion on the same test rows, and decides whether it would replace it.
 * @param input.parts Arrow files of test rows
 * @param input.trained the rows that a model was trained on; null where it is known that there are none
 */
export function decideGate(
  {
    contest,
    parts,
    split,
    trained,
    ...stored
  }: {
    contest: Contest;
    challenger: StoredModel;
    champion: StoredModel;
    parts: Uint8Array[];
    split: SplitRule;
    trained: TrainedByEither | null;
  },
  report: Report | undefined,
  { files }: { files: Files },
): { decision: GateDecision; slices: SliceScores[]; warnings: string[] } {
  const { metric, rules } = contest;
  const held = (reason: string) => ({ decision: hold(contest, reason), slices: [], warnings: [] });
  let paired: PairedRows;
  try {
    const challenger = openModel(stored.challenger, files, 'the challenger');
    const champion = openModel(stored.champion, files, 'the champion');
    const leftOut =
      trained === null ? undefined : leaveOutOfBoth(split, challenger.encoder, trained);
    const slicing = { columns: rules.slices, fewest: FEWEST };
    paired = pairRows({ challenger, champion, parts, leftOut, ...slicing }, report);
  } catch (error) {
    if (!(error instanceof BadData)) throw error;
    return held(`the champion cannot be scored on the test rows: ${error.message}`);
  }
  const { all, classes, unknownColumns } = paired;
  const different = describeClasses(classes);
  if (different !== undefined) return held(different);
  if (unknownColumns.length > 0)
    return held(
      `gate.slices names ${quoteList(unknownColumns)}, which is no feature of the model: name features in params.yaml`,
    );
  if (all.rows === 0) return held('there are no test rows on which both models can be scored');
  const chance = 1 - rules.confidence;
  const difference = testDifference(all, metric, { margin: rules.margin, chance });
  if (difference === undefined)
    return held(`${metric} cannot be computed on these ${all.rows} test rows`);
  const { slices, worseSlices, warnings } = testSlices(paired, contest);
  return {
    decision: decideTested(contest, { rows: all.rows, difference, worseSlices }),
    slices,
    warnings,
  };
}

/**
 * Tests each slice with enough rows. The probability of a wrong answer is divided by the number of slices (Bonferroni), so
 * that many slices do not hold a model that is equally good.
 */
function testSlices(
  { slices, thinColumns }: PairedRows,
  { metric, rules }: Contest,
): { slices: SliceScores[]; worseSlices: string[]; warnings: string[] } {
  const chance = (1 - rules.confidence) / Math.max(1, slices.length);
  const warnings = thinColumns.map(
    (column) =>
      `gate.slices: no value of ${quote(column)} has ${FEWEST} test rows, so none is tested`,
  );
  const tested = slices.flatMap(({ column, value, pairs }): SliceScores[] => {
    const slice = nameSlice(column, value);
    const found = testDifference(pairs, metric, { margin: rules.margin, chance });
    if (found !== undefined) return [{ slice, rows: pairs.rows, ...found }];
    warnings.push(`gate.slices: ${metric} cannot be computed where ${slice}, so it is not tested`);
    return [];
  });
  const worse = tested.filter((one) => one.worse < chance);
  return { slices: tested, worseSlices: worse.map(({ slice }) => slice), warnings };
}

/** `column=value`, where both are short words; otherwise they are quoted, on one line, and cut. */
function nameSlice(column: string, value: string): string {
  const name = (text: string): string =>
    /^[\p{L}\p{N}_.-]{1,40}$/u.test(text) ? text : quote(text);
  return `${name(column)}=${name(value)}`;
}

/** Why two models are not compared that predict different classes; undefined where these are the same. */
function describeClasses({
  challenger,
  champion,
}: Record<'challenger' | 'champion', readonly string[]>): string | undefined {
  const [fresh, gone] = [
    challenger.filter((label) => !champion.includes(label)),
    champion.filter((label) => !challenger.includes(label)),
  ];
  if (fresh.length + gone.length === 0) return undefined;
  const parts = [
    ...(fresh.length === 0
      ? []
      : [`it predicts ${quoteList(fresh)}, which the champion does not know`]),
    ...(gone.length === 0
      ? []
      : [`it does not know ${quoteList(gone)}, which the champion predicts`]),
  ];
  return `${parts.join(', and ')}: a person has to decide`;
}
