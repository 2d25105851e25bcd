import { classifier } from './classifier.ts';
import type { Encoder } from '../features/encoder.ts';
import type { Learner } from './learner.ts';
import { regressor } from './regressor.ts';

/** What learns a target of the encoder's kind. */
export function learnerOf({ classes }: Encoder): Learner {
  return classes === undefined ? regressor : classifier;
}
