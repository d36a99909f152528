import { describe, expect, test, vi } from "vitest";
import { PRICE, startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";
import { requireTestKey } from "#tools/local/stripe_account/test_key.ts";
import { openTestMode } from "#tools/local/stripe_account/test_mode.ts";

describe("requireTestKey", () => {
  test.each(["sk_test_1", "rk_test_Abc123"])("accepts %s", (key) => {
    expect(() => requireTestKey("KEY", key)).not.toThrow();
  });

  test.each([
    ["sk_live_1", "live key"],
    ["rk_live_1", "live key"],
    ["sk_test_a b", "not a key"],
    ["pk_test_1", "not a key"],
    [" sk_test_1", "not a key"],
    ["sk_test_1\nsk_live_1", "not a key"],
    ["sk_live_sk_test_1", "live key"],
    ["hunter2", "not a key"],
  ])("rejects %j in one line without quoting it", (key, word) => {
    const refuse = () => requireTestKey("KEY", key);
    expect(refuse).toThrow(word);
    expect(refuse).toThrow(/^KEY [^\n]+$/);
    expect(refuse).not.toThrow(key);
  });
});

describe("Stripe's test mode for the local stack", () => {
  const environmentOf = (url: string) => ({
    STRIPE_SECRET_KEY: "sk_test_double",
    STRIPE_URL: url,
    STRIPE_PRICE_ID: PRICE,
    STRIPE_PRODUCT_IDS: "prod_default",
  });
  const silent = () => undefined;

  test("is not opened without a key or with a live key", async () => {
    expect(await openTestMode({}, silent)).toBeNull();
    await expect(openTestMode({ STRIPE_SECRET_KEY: "sk_live_1" }, silent)).rejects.toThrow("a live key");
  });

  test("needs the app's price, or a price of the account in the variables", async () => {
    await using running = await startDoubleWithSdk();
    const { STRIPE_SECRET_KEY, STRIPE_URL } = environmentOf(running.double.url);
    await expect(openTestMode({ STRIPE_SECRET_KEY, STRIPE_URL }, silent)).rejects.toThrow(
      /^Stripe's test mode can't be used: plan \w+: Stripe has no price price_\w+\. Set STRIPE_PRICE_ID and STRIPE_PRODUCT_IDS to ids of your account, or change prices\.local of the plan\.$/,
    );
  });

  test("rejects a wrong key, an unknown price and a price of another product", async () => {
    await using running = await startDoubleWithSdk();
    const good = environmentOf(running.double.url);
    const open = (change: object) => openTestMode({ ...good, ...change }, silent);
    await expect(open({ STRIPE_PRICE_ID: "price_no" })).rejects.toThrow("Stripe has no price price_no");
    await expect(open({ STRIPE_PRODUCT_IDS: "prod_other" })).rejects.toThrow("belongs to prod_default");
    await expect(open({ STRIPE_SECRET_KEY: "sk_test_other" })).rejects.toThrow(
      /^The price could not be read from Stripe: stripe_error \(Stripe: StripeAuthenticationError 401\)\.$/,
    );
  });

  test("posts events to the webhook, prints failed deliveries, and stops when it is closed", async () => {
    await using running = await startDoubleWithSdk();
    const lines: string[] = [];
    const opened = await openTestMode(environmentOf(running.double.url), (line) => lines.push(line));
    if (!opened) throw new Error("The test mode was not opened.");
    expect(opened).toMatchObject({ mode: "test", priceId: PRICE, productIds: "prod_default" });
    const { customer, id } = running.double.createSubscription({ email: "amy@example.com", trialDays: 14 });
    // No server listens on this port.
    opened.deliverTo("http://127.0.0.1:1/1/webhook/stripe");
    await vi.waitFor(() => expect(lines.length).toBeGreaterThan(1), { timeout: 60_000 });
    const [paid, created] = lines;
    expect(created).toMatch(
      /^The delivery of customer\.subscription\.created \(evt_\w+\) failed: no response\.$/,
    );
    expect(paid).toMatch(/^The delivery of invoice\.paid \(evt_\w+\) failed: no response\.$/);
    // The log contains no personal data.
    for (const value of [id, customer, "amy"]) expect(lines.join()).not.toContain(value);
    await opened.close();
  });
});
