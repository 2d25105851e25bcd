/**
 * ml-cart's arithmetic for numbers, operation by operation: the squared errors of both sides about their
 * means, summed over the rows as they are listed. What it calls the gain of a regression split is this.
 * @param left how many rows go left
 * @param side 1 for a row that goes right
 */
export function errorOfSplit(
  targets: Float64Array,
  list: Int32Array,
  start: number,
  end: number,
  left: number,
  side: Uint8Array,
): number {
  let leftMean = 0;
  let rightMean = 0;
  // A product with 0 or 1 and a sum with 0 are exact, and spare a branch the processor could not guess.
  for (let i = start; i < end; i++) {
    const row = list[i]!;
    const goesRight = side[row]!;
    leftMean += targets[row]! * (1 - goesRight);
    rightMean += targets[row]! * goesRight;
  }
  leftMean /= left;
  rightMean /= end - start - left;
  return squares(targets, list, start, end, leftMean, rightMean, side);
}

function squares(
  targets: Float64Array,
  list: Int32Array,
  start: number,
  end: number,
  leftMean: number,
  rightMean: number,
  side: Uint8Array,
): number {
  let left = 0;
  let right = 0;
  for (let i = start; i < end; i++) {
    const row = list[i]!;
    const goesRight = side[row]!;
    const target = targets[row]!;
    left += (target - leftMean) * (target - leftMean) * (1 - goesRight);
    right += (target - rightMean) * (target - rightMean) * goesRight;
  }
  return right + left;
}
