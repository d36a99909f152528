import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY, HOUR } from "#core/clock.ts";
import {
  BUSY_MACHINE,
  codeIn,
  linkIn,
  linkRequest,
  REDIRECT,
  type Reply,
  startNest,
  type TestNest,
  V1,
  V2,
} from "#tests/support/nest.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE });
});
afterEach(() => nest.stop());

const machine = (name: string) => ({ platform: "mac", beak_id: `b-${name}`, fingerprint: `f-${name}` });
const ask = (
  address = "ada@example.com",
  device: object = machine("ada"),
  change: object = {},
): Promise<Reply> =>
  nest.call(
    `${V2}create_trial_and_magic_link`,
    linkRequest({ identifier_value: address, device, ...change }),
  );
const codeOf = (reply: Reply) => reply.body?.code ?? reply.status;
const trials = () => nest.collection("trials").find().toArray();
const posted = (path: string) =>
  nest.stripe.requests.filter(
    (request) => request.method === "POST" && request.path === path && !request.isReplay,
  );

describe("contract J, trial", () => {
  test("J52: stores a trial and its subscription with two calls to Stripe, and mails the trial's link", async () => {
    expect(await ask("Ada@Example.com")).toMatchObject({ status: 204, raw: "" });
    expect(posted("/v1/customers")).toMatchObject([{ params: { email: "ada@example.com" } }]);
    expect(posted("/v1/subscriptions")).toMatchObject([
      {
        params: {
          items: [{ price: "price_1JhiGIATHKHpwoLyyxI5cCKU" }],
          trial_period_days: "14",
          trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
        },
      },
    ]);
    expect(nest.ses.inbox).toMatchObject([{ to: "Ada@example.com", subject: "🐦 Start your Beak trial" }]);
    const link = linkIn(nest.firstMail());
    expect(link.origin + link.pathname).toBe(REDIRECT);
    expect([...link.searchParams.keys()]).toEqual(["code", "state", "flow"]);
    expect([link.searchParams.get("state"), link.searchParams.get("flow")]).toEqual(["s/1+x", "trial"]);
    const [trial] = await trials();
    const [subscription] = nest.stripe.subscriptions();
    expect(trial).toMatchObject({
      stpSubscriptionId: subscription?.id,
      stpCustomerId: subscription?.customer,
      stpProductId: "prod_beak",
      device: { beakId: "b-ada", fingerprint: "f-ada" },
      redeemedAt: null,
    });
    expect(subscription?.metadata.trial_id).toBe(trial?._id);
    const stored = await nest
      .collection("subscriptions")
      .findOne({ stpSubscriptionId: subscription?.id as string });
    expect(stored).toMatchObject({ userId: trial?.userId, status: "trialing" });
    const signedIn = await nest.redeem(codeIn(nest.firstMail()));
    expect(signedIn.body.user_id).toBe(trial?.userId);
    expect(await nest.subscriptionStatus(signedIn.body.user_id)).toBe("trialing");
  });

  test("creates nothing twice and sends one welcome when the trial's webhook arrives", async () => {
    await ask();
    for (let copy = 0; copy < 2; copy++) {
      for (const event of nest.stripe.events()) expect((await nest.webhook(event)).status).toBe(200);
    }
    expect(nest.mailSubjects()).toEqual(["🐦 Start your Beak trial", "Your Beak Trial has begun!"]);
    expect(await nest.collection("subscriptions").countDocuments()).toBe(1);
    expect(await nest.collection("users").countDocuments()).toBe(1);
  });

  test("J53: refuses a second trial to the address, fingerprint or beak id of a redeemed trial", async () => {
    await ask();
    const { user_id } = (await nest.redeem(codeIn(nest.firstMail()))).body;
    nest.stripe.cancelSubscription(nest.stripe.subscriptions()[0]?.id as string);
    await nest.deliverEvents();
    expect(await nest.subscriptionStatus(user_id)).toBe("no_active_subscription");
    expect(codeOf(await ask())).toBe("trial_already_used");
    expect(codeOf(await ask("ada@example.com", machine("new")))).toBe("trial_already_used");
    expect(codeOf(await ask("bob@example.com", { ...machine("bob"), fingerprint: "f-ada" }))).toBe(
      "trial_already_used",
    );
    expect(codeOf(await ask("bob@example.com", { ...machine("bob"), beak_id: "b-ada" }))).toBe(
      "trial_already_used",
    );
    expect(await trials()).toHaveLength(1);
    expect(nest.stripe.subscriptions()).toHaveLength(1);
    expect(await nest.collection("users").countDocuments()).toBe(1);
    expect(nest.logged("trial_refused")).toHaveLength(4);
  });

  test("J54: returns already_subscribed to a user with a usable subscription, even after a used trial", async () => {
    nest.stripe.createSubscription({ email: "ada@example.com" });
    await nest.deliverEvents();
    expect(codeOf(await ask())).toBe("already_subscribed");
    expect(await trials()).toEqual([]);
    await ask("bob@example.com", machine("bob"));
    await nest.redeem(codeIn(nest.lastMail()));
    expect(codeOf(await ask("bob@example.com", machine("bob")))).toBe("already_subscribed");
  });

  test("J55: returns validation_failed without a device", async () => {
    expect(codeOf(await ask("ada@example.com", undefined, { device: undefined }))).toBe("validation_failed");
  });

  test("J56: calls Stripe and writes only for a valid request, and creates one trial for parallel requests", async () => {
    expect(codeOf(await ask("ada@example.com", machine("ada"), { client_id: "client_x" }))).toBe(
      "client_not_found",
    );
    expect(codeOf(await ask("ada@example.com", machine("ada"), { redirect_uri: "https://x.example/" }))).toBe(
      "invalid_redirect_uri",
    );
    expect(codeOf(await ask("foo"))).toBe("invalid_email");
    expect(codeOf(await ask(`${"a".repeat(249)}@b.com`))).toBe("invalid_email");
    expect(nest.stripe.requests).toEqual([]);
    expect(await trials()).toEqual([]);
    expect(await nest.collection("users").countDocuments()).toBe(0);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
    expect(answers.map(codeOf)).toEqual(Array(10).fill(204));
    expect(await trials()).toHaveLength(1);
    expect([nest.stripe.customers().length, nest.stripe.subscriptions().length]).toEqual([1, 1]);
    expect(await nest.collection("users").countDocuments()).toBe(1);
    expect(await nest.collection("subscriptions").countDocuments()).toBe(1);
  });

  // The 4.5 s limit of a call would end it with an error.
  test("J57: completes a trial when Stripe takes 800 ms a call and SES 300 ms a mail", async () => {
    nest.stripe.latency(800);
    nest.ses.latency(300);
    expect((await ask()).status).toBe(204);
  });
});

describe("trials under races and failures", () => {
  test("gives one trial, customer and subscription when 50 addresses request a trial at once from one device", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(`a${n}@example.com`)));
    const codes = answers.map(codeOf);
    expect(codes.filter((code) => code === 204)).toHaveLength(1);
    expect(codes.filter((code) => code === "trial_already_used")).toHaveLength(49);
    expect(await trials()).toHaveLength(1);
    expect([nest.stripe.customers().length, nest.stripe.subscriptions().length]).toEqual([1, 1]);
  });

  test.each(["error", "error_after", "rate_limited"] as const)(
    "creates exactly one of each after Stripe fails the first 3 calls (%s)",
    async (kind) => {
      nest.stripe.fault({ calls: 3, kind });
      const codes = [];
      for (let tries = 0; tries < 8 && codes.at(-1) !== 204; tries++) codes.push(codeOf(await ask()));
      expect(codes.slice(0, -1).every((code) => code === "stripe_error")).toBe(true);
      expect(codes.at(-1)).toBe(204);
      expect(await trials()).toHaveLength(1);
      expect([nest.stripe.customers().length, nest.stripe.subscriptions().length]).toEqual([1, 1]);
      expect(nest.ses.inbox).toHaveLength(1);
    },
  );

  test.each(["POST /v1/customers", "POST /v1/subscriptions"])(
    "finds the object again at the app's retry when the response of %s is lost or late",
    async (on) => {
      const live = async (kind: "lost" | "hang_after" | "hang") => {
        const own = await startNest();
        const askOwn = async () => codeOf(await own.call(`${V2}create_trial_and_magic_link`, linkRequest()));
        own.stripe.fault({ calls: kind === "lost" ? 2 : 1, kind, on });
        expect(["stripe_error", "unavailable"]).toContain(await askOwn());
        expect(await askOwn()).toBe(204);
        expect([own.stripe.customers().length, own.stripe.subscriptions().length]).toEqual([1, 1]);
        await own.stop();
      };
      await Promise.all((["lost", "hang_after", "hang"] as const).map(live));
    },
    30_000,
  );

  test("creates no second subscription after Stripe forgot the idempotency key", async () => {
    nest.stripe.fault({ calls: 1, kind: "hang_after", on: "POST /v1/subscriptions" });
    expect(codeOf(await ask())).not.toBe(204);
    nest.clock.advance(21 * HOUR);
    const keys = new Set(posted("/v1/subscriptions").map(({ idempotencyKey }) => idempotencyKey));
    expect(codeOf(await ask())).toBe(204);
    expect(nest.stripe.subscriptions()).toHaveLength(1);
    expect(keys.size).toBe(1);
    expect(
      nest.stripe.requests.some(({ method, path }) => method === "GET" && path === "/v1/subscriptions"),
    ).toBe(true);
  });

  test("sends the mail at the next request after it failed, with one trial", async () => {
    nest.ses.fault({ calls: 1, kind: "error" });
    expect(codeOf(await ask())).toBe("email_not_sent");
    expect(codeOf(await ask())).toBe(204);
    expect(nest.stripe.subscriptions()).toHaveLength(1);
    expect(nest.ses.inbox).toHaveLength(1);
  });

  test("lets the owner of an address join the trial that a stranger started for it, with one customer and subscription", async () => {
    expect(codeOf(await ask("victim@example.com", machine("stranger")))).toBe(204);
    expect(codeOf(await ask("victim@example.com", machine("victim")))).toBe(204);
    expect([nest.stripe.customers().length, nest.stripe.subscriptions().length]).toEqual([1, 1]);
    const { user_id } = (await nest.redeem(codeIn(nest.lastMail()))).body;
    expect(await nest.subscriptionStatus(user_id)).toBe("trialing");
    expect(codeOf(await ask("victim@example.com", machine("stranger")))).toBe("already_subscribed");
  });

  test("renews a stranger's trial that ended unused, and does not renew a used trial", async () => {
    await ask("victim@example.com", machine("stranger"));
    nest.clock.advance(15 * DAY);
    nest.stripe.advance(0);
    await nest.deliverEvents();
    expect(nest.stripe.subscriptions()).toMatchObject([{ status: "canceled" }]);
    expect(codeOf(await ask("victim@example.com", machine("victim")))).toBe(204);
    const living = nest.stripe.subscriptions().filter(({ status }) => status === "trialing");
    expect(living).toHaveLength(1);
    const code = codeIn(nest.lastMail());
    const { user_id } = (await nest.redeem(code)).body;
    expect(await nest.subscriptionStatus(user_id)).toBe("trialing");

    await ask("user@example.com", machine("user"));
    const user = await nest.signIn("user@example.com");
    const asUser = { bearer: user.access_token };
    await nest.call(`${V2}get_subscription_status`, { user_id: user.user_id }, asUser);
    nest.clock.advance(15 * DAY);
    nest.stripe.advance(0);
    await nest.deliverEvents();
    const before = nest.stripe.subscriptions().length;
    expect(codeOf(await ask("user@example.com", machine("user")))).toBe("trial_already_used");
    expect(nest.stripe.subscriptions()).toHaveLength(before);
  });

  test("creates a trial after its customer was deleted at Stripe", async () => {
    nest.stripe.fault({ calls: 1, kind: "error", on: "POST /v1/subscriptions" });
    expect(codeOf(await ask())).toBe("stripe_error");
    const [customer] = nest.stripe.customers();
    await fetch(`${nest.stripe.url}/v1/customers/${customer?.id}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${nest.stripe.secretKey}` },
    });
    const codes = [];
    for (let tries = 0; tries < 4 && codes.at(-1) !== 204; tries++) codes.push(codeOf(await ask()));
    expect(codes.at(-1)).toBe(204);
    expect(nest.stripe.subscriptions()).toHaveLength(1);
  });

  test("limits a network to 30 requests and 5 redeemed trials a day, and lets each link sign in", async () => {
    const limited = await startNest({
      beside: nest,
      environment: { LIMIT_NEW_TRIALS_PER_NETWORK: "5", LIMIT_TRIAL_REQUESTS_PER_NETWORK: "30" },
    });
    const [ip, other] = ["198.51.100.1", "198.51.100.2"];
    const from = async (n: number, network: string) => {
      const body = linkRequest({ identifier_value: `t${n}@example.com`, device: machine(`t${n}`) });
      return codeOf(await limited.call(`${V2}create_trial_and_magic_link`, body, { ip: network }));
    };
    // Unredeemed claims are not counted.
    for (let n = 0; n < 7; n++) expect(await from(n, ip)).toBe(204);
    const codes = limited.ses.inbox.map(codeIn);
    for (const code of codes) expect((await limited.redeem(code, {}, { ip })).status).toBe(200);
    expect(await from(7, ip)).toBe("rate_limited");
    expect(await trials()).toHaveLength(7);
    expect(await from(7, other)).toBe(204);
    for (let n = 0; n < 22; n++) await from(0, ip);
    expect(codeOf(await limited.call(`${V2}create_trial_and_magic_link`, linkRequest(), { ip }))).toBe(
      "rate_limited",
    );
    await limited.stop();
  });

  test("counts a redeemed trial for the network that requested it, whichever network redeems its link", async () => {
    const limited = await startNest({ beside: nest, environment: { LIMIT_NEW_TRIALS_PER_NETWORK: "5" } });
    const [farm, office] = ["198.51.100.1", "198.51.100.2"];
    const from = async (n: number, ip: string) => {
      const body = linkRequest({ identifier_value: `t${n}@example.com`, device: machine(`t${n}`) });
      return codeOf(await limited.call(`${V2}create_trial_and_magic_link`, body, { ip }));
    };
    for (let n = 0; n < 5; n++) expect(await from(n, farm)).toBe(204);
    const claimed = await trials();
    expect(claimed.map(({ claimNetwork }) => claimNetwork)).toEqual(
      Array(5).fill(expect.stringMatching(/^[0-9a-f]{64}$/)),
    );
    for (const code of limited.ses.inbox.map(codeIn))
      expect((await limited.redeem(code, {}, { ip: office })).status).toBe(200);
    expect(await from(5, farm)).toBe("rate_limited");
    expect(await from(5, office)).toBe(204);
    // The network is stored only until the trial is counted.
    const redeemed = (await trials()).filter(({ redeemedAt }) => redeemedAt !== null);
    expect(redeemed.filter((one) => "claimNetwork" in one)).toEqual([]);
    await limited.stop();
  });

  test("counts a trial once when its link is redeemed again after a lost response", async () => {
    const limited = await startNest({ beside: nest, environment: { LIMIT_NEW_TRIALS_PER_NETWORK: "2" } });
    const ip = "198.51.100.1";
    const from = async (n: number) => {
      const body = linkRequest({ identifier_value: `t${n}@example.com`, device: machine(`t${n}`) });
      return codeOf(await limited.call(`${V2}create_trial_and_magic_link`, body, { ip }));
    };
    expect(await from(0)).toBe(204);
    const code = codeIn(limited.lastMail());
    for (let copy = 0; copy < 3; copy++) {
      expect((await limited.redeem(code, {}, { ip })).status).toBe(200);
      limited.clock.advance(10);
    }
    expect(await from(1)).toBe(204);
    await limited.stop();
  });

  test("counts a request once when it loses races", async () => {
    const limited = await startNest({
      beside: nest,
      slowdown: BUSY_MACHINE,
      environment: { LIMIT_TRIAL_REQUESTS_PER_NETWORK: "10" },
    });
    const body = linkRequest({ identifier_value: "ada@example.com", device: machine("ada") });
    const post = () => limited.call(`${V2}create_trial_and_magic_link`, body);
    const answers = await Promise.all(Array.from({ length: 10 }, post));
    expect(answers.map(codeOf)).toEqual(Array(10).fill(204));
    expect(codeOf(await post())).toBe("rate_limited");
    await limited.stop();
  });

  test("keeps a trial open after an ordinary link is redeemed, and closes it with its own link", async () => {
    await ask();
    const trialCode = codeIn(nest.lastMail());
    const other = await nest.emailedCode({ client_id: "client_000000CAixkP7YVb0cH1zvNfE5mYi" });
    expect((await nest.redeem(other, { client_id: "client_000000CAixkP7YVb0cH1zvNfE5mYi" })).status).toBe(
      200,
    );
    expect((await trials())[0]).toMatchObject({ redeemedAt: null, usedAt: null });
    expect((await nest.redeem(trialCode)).status).toBe(200);
    expect((await trials())[0]).toMatchObject({ redeemedAt: expect.any(String) });
    expect(codeOf(await nest.call(`${V1}send_magic_link`, linkRequest()))).toBe(204);
  });
});
