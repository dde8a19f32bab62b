// Whether two means differ by more than their spread: Welch's interval. No small typed library has the quantile of Student's t, so it is here.

export interface MeanAndDeviation {
  readonly count: number;
  readonly mean: number;
  /** The sample standard deviation, with n − 1; 0 for a single value. */
  readonly std: number;
}

/** Mean and deviation. Throws RangeError for no values. */
export function meanAndDeviation(values: readonly number[]): MeanAndDeviation {
  const count = values.length;
  if (count === 0) throw new RangeError('no values have no mean');
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, std: count > 1 ? Math.sqrt(squares / (count - 1)) : 0 };
}

/**
 * The 95 % interval of the difference of means `a − b` (Welch 1947), for samples whose spreads may differ. Null when a sample has fewer than two values:
 * nothing is known of its spread.
 */
export function differenceInterval(
  a: MeanAndDeviation,
  b: MeanAndDeviation,
): { readonly low: number; readonly high: number } | null {
  if (a.count < 2 || b.count < 2) return null;
  const difference = a.mean - b.mean;
  const [va, vb] = [a, b].map(({ std, count }) => std ** 2 / count);
  if (va + vb === 0) return { low: difference, high: difference };
  const freedom = (va + vb) ** 2 / (va ** 2 / (a.count - 1) + vb ** 2 / (b.count - 1));
  const reach = studentQuantile(freedom) * Math.sqrt(va + vb);
  return { low: difference - reach, high: difference + reach };
}

/** The t that a Student variable exceeds in absolute value with probability 0.05, for degrees of freedom of at least 1. */
export function studentQuantile(freedom: number): number {
  // P(|T| > t) = I_x(ν / 2, 1 / 2) with x = ν / (ν + t²) falls in t: halve an interval around it.
  let [low, high] = [0, 20];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(freedom / (freedom + middle ** 2), freedom / 2, 0.5) > 0.05) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22), for x in [0, 1]. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x === 0 || x === 1) return x;
  // The fraction converges fast below the mean, the complement above it.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a;
  let fraction = 0;
  for (let m = 200; m >= 1; m--) {
    const k = Math.floor(m / 2);
    const term =
      m % 2 === 0
        ? (k * (b - k) * x) / ((a + m - 1) * (a + m))
        : (-(a + k) * (a + b + k) * x) / ((a + m - 1) * (a + m));
    fraction = term / (1 + fraction);
  }
  return front / (1 + fraction);
}

/** ln Γ(x) for x > 0, by Stirling's series (DLMF 5.11.1) from 10 up. */
function logGamma(x: number): number {
  if (x < 10) return logGamma(x + 1) - Math.log(x);
  return (
    (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5)
  );
}
