import { expect, test } from "vitest";
import app from "#app";
import { readBilling } from "#core/billing/config.ts";
import { featuresOf, planOf } from "#core/billing/plans/plans.ts";
import { MAC, PRODUCT_ID, WEB } from "#tests/support/nest.ts";
import { appWithPlans, startShop, V3 } from "#tests/support/plans.ts";

const core = { billing: readBilling({ STAGE: "local" }, appWithPlans) };
const bought = (stpPriceIds: string[] | undefined, stpProductId = PRODUCT_ID) => ({
  stpProductId,
  ...(stpPriceIds && { stpPriceIds }),
});

test("a subscription has the plan of its price, also one that is not sold anymore", () => {
  expect(planOf(core, bought(["price_pro"]))?.id).toBe("pro");
  expect(planOf(core, bought(["price_other", "price_old"]))?.id).toBe("old");
});

test("a price that no plan names belongs to the only plan of its product", () => {
  const one = { billing: { plans: core.billing.plans.slice(0, 1) } };
  expect(planOf(one, bought(["price_before_the_raise"]))?.id).toBe("basic");
  expect(planOf(one, bought(undefined))?.id).toBe("basic");
  expect(planOf(one, bought(["price_1"], "prod_other"))).toBeNull();
});

test("if several plans have the product, an unknown price has no plan and only the features that all of them have", () => {
  expect(planOf(core, bought(["price_unknown"]))).toBeNull();
  expect(featuresOf(core, bought(["price_unknown"]))).toEqual(["sync"]);
  expect(featuresOf(core, bought(["price_1"], "prod_other"))).toEqual([]);
});

test("list_plans lists what is sold, in the order of the app file and the language of the client", async () => {
  const german = {
    ...appWithPlans,
    clients: appWithPlans.clients.map((client) => ({ ...client, locale: "de" })),
  };
  const nest = await startShop();
  const other = await startShop({ beside: nest, app: german });
  const { status, body } = await nest.call(`${V3}list_plans`, { client_id: MAC });
  expect(status).toBe(200);
  expect(body.map(({ id }: { id: string }) => id)).toEqual(["basic", "pro", "yearly"]);
  expect(body[1]).toEqual({
    id: "pro",
    name: "pro",
    interval: "month",
    currency: "gbp",
    unit_amount: 999,
    trial_days: null,
    features: ["sync", "teams"],
  });
  expect((await other.call(`${V3}list_plans`, { client_id: MAC })).body[1].name).toBe("pro (de)");
  for (const client_id of ["client_none", WEB])
    expect((await nest.call(`${V3}list_plans`, { client_id })).body.code).toBe("client_not_found");
  await other.stop();
  await nest.stop();
});

test("the methods exist only since 2026-12-01, and the status of 2021-10-06 keeps its fields", async () => {
  const nest = await startShop();
  const { user_id, access_token: bearer } = await nest.signIn();
  nest.stripe.createSubscription({ email: "ada@example.com" });
  await nest.deliverEvents();
  const { body } = await nest.call("/1/2021-10-06/get_subscription_status", { user_id }, { bearer });
  expect(body).not.toHaveProperty("plan");
  const [, claims = ""] = body.entitlement.split(".");
  expect(JSON.parse(Buffer.from(claims, "base64url").toString())).not.toHaveProperty("features");
  for (const name of ["list_plans", "create_checkout_session", "change_plan"])
    expect((await nest.call(`/1/2021-10-06/${name}`, {})).body.code).toBe("not_found");
  await nest.stop();
});

test("the app of this repository sells plans that its clients can check out", () => {
  for (const { enabled, checkoutUrls } of app.clients) if (enabled) expect(checkoutUrls).not.toEqual([]);
});
