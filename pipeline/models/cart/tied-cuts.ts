/** Scores whose relative difference is smaller may differ only by rounding, as the same sum does in two orders. */
const ROUNDING = 1e-9;
/** The number of tied cuts that are kept. A node with more tied cuts has no good cut. */
const MOST = 256;

/** The cuts of a node with the best score, or with one that differs only by rounding, in the order of the scans. */
export class TiedCuts {
  size = 0;
  /** Whether there was no room for a cut. Then the kept cuts may be the wrong ones. */
  isCrowded = false;
  /** Of cut i: its feature, its position (as in a split), and its score. */
  readonly features = new Int32Array(MOST);
  readonly cuts = new Int32Array(MOST);
  readonly scores = new Float64Array(MOST);
  /** The best score, and the least score of a cut to offer. An array, because it is read in the hot loop. */
  readonly bounds = new Float64Array(2);

  /**
   * Forgets all cuts.
   * @param best the best score of the node, if it is known. Then the first cuts that tie with it are kept,
   * however many there are
   * @returns the least score of a cut to offer
   */
  clear(best: number): number {
    this.size = 0;
    this.isCrowded = false;
    this.bounds[0] = best;
    this.bounds[1] = best * (1 - ROUNDING);
    return this.bounds[1];
  }

  /** Adds a cut. */
  offer(feature: number, cut: number, score: number): void {
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
    this.cuts[i] = cut;
    this.scores[i] = score;
  }
}
