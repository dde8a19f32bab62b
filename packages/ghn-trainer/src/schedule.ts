// Cosine decay after a short linear warm-up, counted in epochs (LoGAH's recipe; GHN-3 uses the same).

export interface ScheduleConfig {
  readonly learningRate: number;
  readonly epochs: number;
  readonly warmupEpochs: number;
  /** The learning rate of the first epoch of the warm-up. */
  readonly warmupFrom: number;
}

/**
 * The learning rate of an epoch, counted from 0. The warm-up's values are `warmupEpochs` numbers from `warmupFrom` to the full rate, of which
 * the last is the cosine's first; then `½(1 + cos(π · (epoch − warmup) / (epochs − warmup)))` of the full rate.
 */
export function learningRateAt(
  epoch: number,
  { learningRate, epochs, warmupEpochs, warmupFrom }: ScheduleConfig,
): number {
  if (epoch < warmupEpochs - 1) {
    const from = warmupFrom / learningRate;
    return learningRate * (from + ((1 - from) * epoch) / (warmupEpochs - 1));
  }
  // Where no epoch follows the warm-up, the reference's cosine would be at its end in the warm-up's last: a rate of 0.
  const after = epochs - warmupEpochs;
  const progress = after > 1 ? (epoch - warmupEpochs) / after : Math.max(0, epoch - warmupEpochs);
  return learningRate * 0.5 * (1 + Math.cos(Math.PI * progress));
}
