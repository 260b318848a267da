/** The quantile function of the symmetric beta distribution, by bisection of its cumulative distribution. */

/** Bisections after which neighbouring doubles are reached. */
const bisections = 60;
/** Terms of the series; at x <= 1/2 each is less than half the one before. */
const terms = 80;

/** The x at which the distribution Beta(a, a) reaches the probability `p`, from 0 to 1. */
export function betaQuantile(p: number, a: number): number {
  if (p > 0.5) return 1 - betaQuantile(1 - p, a);
  if (p === 0) return 0;
  const half = incompleteBeta(0.5, a);
  let [low, high] = [0, 0.5];
  for (let i = 0; i < bisections; i++) {
    const middle = (low + high) / 2;
    if (0.5 * (incompleteBeta(middle, a) / half) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The integral of t^(a-1) (1-t)^(a-1) from 0 to x <= 1/2, by its power series (Abramowitz and Stegun, 26.5.4):
 * x^a sum over n of (1-a)(2-a)...(n-a) x^n / (n! (a+n)).
 */
function incompleteBeta(x: number, a: number): number {
  let factor = 1;
  let sum = 1 / a;
  for (let n = 1; n < terms; n++) {
    factor *= ((n - a) / n) * x;
    sum += factor / (a + n);
  }
  return x ** a * sum;
}
