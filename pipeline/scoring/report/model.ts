import type { Encoder } from '../../features/encoder.ts';
import type { Model } from '../../models/estimator.ts';
import type { ReportFacts } from './report.ts';

/** A longer list helps nobody and makes the page slow. */
const MOST_NODES = 511;

/** Returns what a report shows of a model, with the names of its encoder. */
export function describeModel(
  model: Model,
  encoder: Encoder,
): Pick<ReportFacts, 'model' | 'importance' | 'outline'> {
  const { features } = encoder;
  const shares = model.importance(features.length);
  return {
    model: model.describe().text,
    importance: shares && features.map(({ name }, i) => ({ feature: name, share: shares[i]! })),
    outline: model.outline(encoder, MOST_NODES),
  };
}
