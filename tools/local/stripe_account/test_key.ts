/**
 * Lets a key of Stripe's test mode or of a sandbox through, and no other: what asks for this makes and cancels
 * subscriptions, and must never do so with real money.
 * @param name of the variable that holds it
 * @throws Error in one line, without the key
 */
export function requireTestKey(name: string, key: string): void {
  if (/^[sr]k_test_\w+$/.test(key)) return;
  const what = /^[sr]k_live_/.test(key)
    ? "a live key, which is never used here"
    : "no key of Stripe's test mode";
  throw new Error(`${name} is ${what}: it must start with sk_test_ or rk_test_.`);
}
