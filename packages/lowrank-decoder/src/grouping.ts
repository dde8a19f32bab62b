// Which size a tensor is predicted at: the reference rounds sizes so that tensors of similar shapes share a prediction.

/**
 * The size at which an axis is predicted: at most `max`; a multiple of 3 becomes four thirds of itself; at least half of `max` becomes `max`.
 * For vectors the rounded size is where the bias row starts, so it changes the numbers; for matrices it only decides what is cut away.
 */
export function roundedSize(size: number, max: number): number {
  const capped = Math.min(size, max);
  const widened = capped % 3 === 0 ? (capped / 3) * 4 : capped;
  return widened >= max / 2 ? max : widened;
}
