/**
 * A set of version numbers. Objects belong to consecutive versions (batch 1 to all of them), so the set keeps
 * ranges: memory does not grow with the history.
 */
export class VersionSet {
  /** Disjoint, with a gap between any two, ascending. */
  readonly #ranges: [first: number, last: number][] = [];

  static of(versions: Iterable<number>): VersionSet {
    const set = new VersionSet();
    for (const version of versions) set.add(version);
    return set;
  }

  add(version: number): void {
    const ranges = this.#ranges;
    let i = ranges.length; // new numbers are nearly always the greatest
    while (i > 0 && ranges[i - 1]![0] > version) i--;
    const [before, after] = [ranges[i - 1], ranges[i]];
    if (before !== undefined && before[1] >= version) return;
    const joinsBefore = before?.[1] === version - 1;
    const joinsAfter = after?.[0] === version + 1;
    if (joinsBefore && joinsAfter) {
      before[1] = after[1];
      ranges.splice(i, 1);
    } else if (joinsBefore) before[1] = version;
    else if (joinsAfter) after[0] = version;
    else ranges.splice(i, 0, [version, version]);
  }

  *[Symbol.iterator](): Iterator<number> {
    for (const [first, last] of this.#ranges)
      for (let version = first; version <= last; version++) yield version;
  }

  /** For example `1–3, 5`. */
  toString(): string {
    return this.#ranges
      .map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`))
      .join(', ');
  }
}
