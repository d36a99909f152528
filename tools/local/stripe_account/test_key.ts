/**
 * Requires a key of Stripe's test mode or of a sandbox, because the callers create and cancel subscriptions.
 * @param name the environment variable with the key
 * @throws Error with a message of one line, which does not contain the key
 */
export function requireTestKey(name: string, key: string): void {
  if (/^[sr]k_test_\w+$/.test(key)) return;
  const what = /^[sr]k_live_/.test(key)
    ? "a live key, which is not allowed here"
    : "not a key of Stripe's test mode";
  throw new Error(`${name} is ${what}: it must start with sk_test_ or rk_test_.`);
}
