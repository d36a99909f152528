import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { audit } from "#tools/bench/soak/audit.ts";
import { Ledger } from "#tools/bench/soak/ledger.ts";
import type { SoakStack } from "#tools/bench/soak/stack.ts";

describe("what the soak counts at its end", () => {
  let nest: TestNest;
  let ledger: Ledger;

  beforeEach(async () => {
    nest = await startNest();
    ledger = new Ledger();
    const tokens = await nest.signIn("ada@example.com");
    ledger.tokens(tokens);
    // Going on with a session is asked over HTTP, which the soak itself does; here rows are counted.
    ledger.current.clear();
    ledger.link("ada@example.com", 204);
    ledger.mail("ada@example.com");
    nest.stripe.createSubscription({ email: "ada@example.com" });
    await nest.deliverEvents();
    await nest.deliverEvents();
  });
  afterEach(() => nest.stop());

  const lostIn = async () => {
    const stack = { database: nest.gateway.mongo.database, stripe: nest.stripe, url: "" } as SoakStack;
    return (await audit(stack, ledger)).filter(({ lost }) => lost > 0).map(({ what }) => what);
  };

  test("is in order after a sign-in and a subscription", async () => {
    expect(await lostIn()).toEqual([]);
  });

  test("tells a mail that was promised and did not arrive, and one that nobody asked for", async () => {
    ledger.link("bob@example.com", 204);
    expect(await lostIn()).toEqual(["links asked = mails + refusals"]);
    ledger.mail("bob@example.com");
    expect(await lostIn()).toEqual([]);
    ledger.mail("bob@example.com");
    expect(await lostIn()).toEqual(["links asked = mails + refusals"]);
  });

  test("does not count a link as lost that was refused, nor one whose answer never came but whose mail did", async () => {
    ledger.link("bob@example.com", 503);
    ledger.link("eve@example.com", null);
    ledger.mail("eve@example.com");
    expect(await lostIn()).toEqual([]);
  });

  test.each([
    ["access_tokens", "access_tokens given = rows"],
    ["refresh-tokens", "refresh-tokens given = rows"],
    ["sessions", "sessions given = rows"],
    ["stripe-events", "events in = rows that are worked"],
    ["subscriptions", "subscriptions as Stripe has them"],
  ])("tells a row of %s that is gone", async (collection, what) => {
    const row = await nest.collection(collection).findOne();
    await nest.collection(collection).deleteOne({ _id: row?._id ?? "" });
    expect(await lostIn()).toEqual([what]);
  });

  test("tells an event that was stored and never worked", async () => {
    await nest.collection("stripe-events").updateOne({}, { $set: { status: "processing" } });
    expect(await lostIn()).toEqual(["events in = rows that are worked"]);
  });
});
