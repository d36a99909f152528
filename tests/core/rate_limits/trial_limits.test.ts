import { afterEach, expect, test } from "vitest";
import { codeIn, linkRequest, startNest, type TestNest, V1 } from "#tests/support/nest.ts";

let nest: TestNest;
afterEach(() => nest.stop());

const IP = "203.0.113.1";
const start = async (limits: Record<string, string>) => {
  nest = await startNest({ environment: limits });
};
const requestLink = async (identifier_value: string, ip: string) =>
  (await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }), { ip })).status;

test("a trial request that the limit of its network refuses does not use up the links of its address", async () => {
  await start({
    LIMIT_TRIAL_REQUESTS_PER_NETWORK: "3",
    LIMIT_LINKS_PER_ADDRESS: "30",
    LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "10",
  });
  for (const ip of ["203.0.113.1", "203.0.113.2", "203.0.113.3"]) {
    for (let number = 0; number < 3; number++)
      expect(await nest.startTrial(`${ip}-${number}@example.com`, ip)).toBe("204");
    for (let number = 0; number < 10; number++)
      expect(await nest.startTrial("victim@example.com", ip)).toBe("rate_limited");
  }
  const answers: number[] = [];
  for (let number = 0; number < 3; number++)
    answers.push(await requestLink("victim@example.com", `198.51.100.${number}`));
  expect(answers).toEqual([204, 204, 204]);
});

test("a trial request that the limit of links of its network refuses does not use up the links of its address", async () => {
  await start({ LIMIT_LINKS_PER_NETWORK: "2", LIMIT_LINKS_PER_ADDRESS: "1" });
  for (const address of ["a@example.com", "b@example.com"]) expect(await requestLink(address, IP)).toBe(204);
  expect(await nest.startTrial("victim@example.com", IP)).toBe("rate_limited");
  const documents = await nest.collection("limit-windows").find().toArray();
  // Of the network and of two addresses.
  expect(documents).toHaveLength(3);
});

test("a request for another link of an open trial is allowed above the limit of new trials", async () => {
  await start({ LIMIT_NEW_TRIALS_PER_NETWORK: "1" });
  for (const address of ["open@example.com", "redeemed@example.com"])
    expect(await nest.startTrial(address, IP)).toBe("204");
  expect((await nest.redeem(codeIn(nest.lastMail("redeemed@example.com")))).status).toBe(200);
  expect(await nest.startTrial("new@example.com", IP)).toBe("rate_limited");
  expect(await nest.startTrial("open@example.com", IP)).toBe("204");
});

test("the limit of new trials applies when the other limits of the network are disabled", async () => {
  await start({
    LIMIT_NEW_TRIALS_PER_NETWORK: "1",
    LIMIT_LINKS_PER_NETWORK: "0",
    LIMIT_TRIAL_REQUESTS_PER_NETWORK: "0",
  });
  expect(await nest.startTrial("first@example.com", IP)).toBe("204");
  expect((await nest.redeem(codeIn(nest.lastMail("first@example.com")))).status).toBe(200);
  expect(await nest.startTrial("second@example.com", IP)).toBe("rate_limited");
  expect(await nest.startTrial("second@example.com", "198.51.100.1")).toBe("204");
});

test.each<[reason: string, address: string, code: string]>([
  ["its network has too many new trials", "new@example.com", "rate_limited"],
  ["its address has a subscription", "first@example.com", "already_subscribed"],
  ["its address had a trial", "former@example.com", "trial_already_used"],
  ["Stripe fails", "unlucky@example.com", "stripe_error"],
])(
  "a trial request that is refused because %s leaves its address all links",
  async (_reason, address, code) => {
    await start({
      LIMIT_NEW_TRIALS_PER_NETWORK: code === "rate_limited" ? "1" : "0",
      LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "4",
      LIMIT_LINKS_PER_ADDRESS: "4",
    });
    expect(await nest.startTrial("first@example.com", "203.0.113.1")).toBe("204");
    expect((await nest.redeem(codeIn(nest.lastMail("first@example.com")))).status).toBe(200);
    if (code === "trial_already_used") {
      expect(await nest.startTrial(address, IP)).toBe("204");
      expect((await nest.redeem(codeIn(nest.lastMail(address)))).status).toBe(200);
      for (const { id } of nest.stripe.subscriptions()) nest.stripe.cancelSubscription(id);
      await nest.deliverEvents();
    }
    if (code === "stripe_error") nest.stripe.fault({ calls: 100, kind: "error" });
    await nest.collection("limit-windows").deleteMany({ "windows.id": "links_per_address" });
    const mails = nest.ses.inbox.length;
    const answers = new Set<string>();
    for (let number = 0; number < 6; number++) answers.add(await nest.startTrial(address, IP));
    expect([[...answers], nest.ses.inbox.length]).toEqual([[code], mails]);
    for (let link = 0; link < 4; link++) expect(await requestLink(address, IP)).toBe(204);
  },
);
