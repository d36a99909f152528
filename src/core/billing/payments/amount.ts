/**
 * Currencies of which Stripe accepts only multiples of an amount (https://docs.stripe.com/currencies#special-cases).
 */
const STEPS: Readonly<Record<string, number>> = {
  // Three decimals, of which the last must be 0.
  bhd: 10,
  jod: 10,
  kwd: 10,
  omr: 10,
  tnd: 10,
  // Counted with two decimals, which must be 0.
  isk: 100,
  ugx: 100,
};

/** The smallest amount of a currency that Stripe accepts, in the currency's smallest unit. */
function stepOf(currency: string): number {
  return STEPS[currency] ?? 1;
}

/** The largest amount up to `amount` that Stripe accepts. Zero for a negative amount. */
export function roundDown(amount: number, currency: string): number {
  const step = stepOf(currency);
  return Math.max(0, Math.floor(amount / step) * step);
}

/** A part of a whole: `numerator` of `denominator`, limited to the whole. */
export interface Share {
  numerator: number;
  denominator: number;
}

/**
 * A share of an amount, rounded up to the smallest amount that Stripe accepts, and never above the amount (contract
 * 1.7).
 * @param amount in the currency's smallest unit; a negative amount counts as 0
 */
export function shareOf(amount: number, { numerator, denominator }: Share, currency: string): number {
  if (amount <= 0 || numerator <= 0 || denominator <= 0) return 0;
  const most = roundDown(amount, currency);
  if (numerator >= denominator) return most;
  // An amount of 12 digits times the seconds of a year exceeds the integers that a number holds exactly.
  const divisor = BigInt(denominator) * BigInt(stepOf(currency));
  const steps = (BigInt(amount) * BigInt(numerator) + divisor - 1n) / divisor;
  return Math.min(most, Number(steps) * stepOf(currency));
}
