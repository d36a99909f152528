import { describe, expect, test } from "vitest";
import { connect } from "#tests/packages/stripe_double/double_with_sdk.ts";
import { browserSuite, hasBrowser, inspect } from "#tests/support/browser.ts";
import { PRICE_ID } from "#tests/support/nest.ts";

describe.skipIf(!hasBrowser)("the checkout page of the Stripe double", () => {
  const suite = browserSuite();

  /** Creates an open session, which returns to the stack's own page. @returns its URL */
  async function newSession(email: string): Promise<string> {
    const { stripe: double, api } = suite.stack;
    const stripe = connect(double, double.secretKey);
    double.createPromotionCode({ code: `HALF-${email}`, percentOff: 50 });
    const customer = await stripe.customers.create({ email });
    const { url } = await stripe.checkout.sessions.create({
      mode: "subscription",
      customer: customer.id,
      line_items: [{ price: PRICE_ID, quantity: 1 }],
      success_url: `${api.url}/?bought=yes`,
      cancel_url: `${api.url}/`,
      allow_promotion_codes: true,
    });
    return String(url);
  }

  test.each([
    [1280, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ] as const)(
    "is accessible before and after a decline, and when it is paid, at %i pixels in %s",
    async (width, colorScheme) => {
      const look = (name: string) => inspect(page, `checkout-${name}-${width}-${colorScheme}`);
      const email = `${colorScheme}${width}@example.com`;
      const url = await newSession(email);
      const page = await suite.open("/", { width, colorScheme });
      await page.goto(url);
      await look("open");
      await page.getByRole("button", { name: "Pay with a card that declines" }).click();
      await page.getByRole("alert").getByText("Your card was declined.").waitFor();
      await look("declined");
      await page.getByLabel("Promotion code").fill(`half-${email}`);
      await page.getByRole("button", { name: "Pay £4.99" }).click();
      await page.waitForURL(`${suite.stack.api.url}/?bought=yes`);
      await page.goto(url);
      await page.getByRole("heading", { name: "This checkout is complete" }).waitFor();
      await look("complete");
      expect(suite.stack.stripe.ledger().charges.at(-1)?.amount).toBe(249);
    },
  );

  test("returns to the app without a payment", async () => {
    const page = await suite.open("/");
    await page.goto(await newSession("back@example.com"));
    await page.getByRole("link", { name: "Back" }).click();
    await page.waitForURL(`${suite.stack.api.url}/`);
  });
});
