/** Scores closer than this, relatively, may differ by rounding only: sums of one set in two sequences do. */
const ROUNDING = 1e-9;
/** Enough; a node where more cuts tie is one where none is any good. */
const MOST = 256;

/** The cuts of a node whose scores are the best to within rounding, in the sequence of the scans. */
export class TiedCuts {
  size = 0;
  /** Whether there was no room for a cut: those kept may then be the wrong ones. */
  isCrowded = false;
  /** Of cut i: its feature, how many rows, in the order of the feature, go left, and its score. */
  readonly features = new Int32Array(MOST);
  readonly lefts = new Int32Array(MOST);
  readonly scores = new Float64Array(MOST);
  /** The best score, and the score from which on a cut is to be offered. Read in place: no boxed numbers. */
  readonly bounds = new Float64Array(2);

  /**
   * Forgets all cuts.
   * @param best the score of the best cut there is, where it is known: the first cuts that tie with it are
   * then kept, however many there are
   * @returns the score from which on a cut is to be offered
   */
  clear(best: number): number {
    this.size = 0;
    this.isCrowded = false;
    this.bounds[0] = best;
    this.bounds[1] = best * (1 - ROUNDING);
    return this.bounds[1];
  }

  /** Takes a cut in. */
  offer(feature: number, left: number, score: number): void {
    const best = this.bounds[0]!;
    if (score > best) {
      this.bounds[0] = score;
      this.bounds[1] = score * (1 - ROUNDING);
      if (this.bounds[1] > best) this.size = 0;
    }
    if (this.size === MOST) {
      this.isCrowded = true;
      return;
    }
    const i = this.size++;
    this.features[i] = feature;
    this.lefts[i] = left;
    this.scores[i] = score;
  }
}
