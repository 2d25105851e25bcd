import { BadData } from '../../contract/failures.ts';
import type { Label } from '../../pipeline/features/label-type.ts';
import type { RowPredictions, Predictor } from '../../pipeline/predictions/predictor.ts';
import { describeUnreadable, type RawBlock } from '../../pipeline/predictions/raw-block.ts';

/**
 * Predicts the rows of a block.
 * @returns the predictions as JSON, with commas between them: a label or a number per row or, with probabilities, an object
 *   by the words of the classes, as MLflow's server writes the DataFrame of such a model
 * @throws BadData that names the first row that cannot be read
 */
export function answerBlock(predictor: Predictor, block: RawBlock, proba: boolean): string {
  if (proba && predictor.words === undefined)
    throw new BadData('params.proba is true, and a regression has no probabilities: leave it out');
  const predictions = predictor.predict(block.rows, block.read);
  const [first] = predictions.unreadable;
  if (first !== undefined)
    throw new BadData(
      `${describeUnreadable(block, first)}: correct it, or give null where it is not known`,
    );
  return proba ? formatShares(predictor.words!, predictions) : formatLabels(predictor, predictions);
}

function formatLabels({ labelType }: Predictor, { predictions }: RowPredictions): string {
  const written = new Map<Label, string>();
  const format = (label: Label): string => {
    // The numbers of a regression may all differ.
    if (labelType === 'double') return formatDouble(label as number);
    let text = written.get(label);
    if (text === undefined) {
      text = typeof label === 'bigint' ? String(label) : JSON.stringify(label);
      written.set(label, text);
    }
    return text;
  };
  return predictions.map((label) => format(label!)).join(',');
}

/** With a point or an exponent, so that Python reads a whole number as a float too. */
function formatDouble(number: number): string {
  const text = JSON.stringify(number);
  return Number.isInteger(number) && !text.includes('e') ? `${text}.0` : text;
}

function formatShares(words: readonly string[], { shares }: RowPredictions): string {
  const names = words.map((word) => JSON.stringify(word));
  const written = new Map<readonly number[], string>();
  const format = (leaf: readonly number[]): string => {
    let text = written.get(leaf);
    if (text === undefined) {
      text = `{${leaf.map((share, i) => `${names[i]}:${formatDouble(share)}`).join(',')}}`;
      written.set(leaf, text);
    }
    return text;
  };
  return shares!.map((leaf) => format(leaf!)).join(',');
}
