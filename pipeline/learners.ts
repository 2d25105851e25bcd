import { classifier } from './classifier.ts';
import type { Encoder } from './encoder.ts';
import type { Learner } from './learner.ts';

/** What learns a target of the encoder's kind. */
export function learnerOf(_encoder: Encoder): Learner {
  return classifier;
}
