import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { audit } from "#tools/bench/soak/audit.ts";
import { Ledger } from "#tools/bench/soak/ledger.ts";
import type { SoakStack } from "#tools/bench/soak/stack.ts";

describe("the audit of the soak test", () => {
  let nest: TestNest;
  let ledger: Ledger;

  beforeEach(async () => {
    nest = await startNest();
    ledger = new Ledger();
    const tokens = await nest.signIn("ada@example.com");
    ledger.tokens(tokens);
    // Refreshing needs the HTTP server of the soak test. Here only documents are counted.
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

  test("finds nothing lost after a sign-in and a subscription", async () => {
    expect(await lostIn()).toEqual([]);
  });

  test("counts a promised mail that did not arrive, and a mail that nobody requested, as lost", async () => {
    ledger.link("bob@example.com", 204);
    expect(await lostIn()).toEqual(["link requests = mails + refusals"]);
    ledger.mail("bob@example.com");
    expect(await lostIn()).toEqual([]);
    ledger.mail("bob@example.com");
    expect(await lostIn()).toEqual(["link requests = mails + refusals"]);
  });

  test("does not count a refused link as lost, nor a link whose response was lost but whose mail arrived", async () => {
    ledger.link("bob@example.com", 503);
    ledger.link("eve@example.com", null);
    ledger.mail("eve@example.com");
    expect(await lostIn()).toEqual([]);
  });

  test.each([
    ["access_tokens", "access_tokens issued = stored"],
    ["refresh-tokens", "refresh-tokens issued = stored"],
    ["sessions", "sessions issued = stored"],
    ["stripe-events", "events = processed events in the ledger"],
    ["subscriptions", "subscriptions = subscriptions at Stripe"],
  ])("counts a missing document of %s as lost", async (collection, what) => {
    const row = await nest.collection(collection).findOne();
    await nest.collection(collection).deleteOne({ _id: row?._id ?? "" });
    expect(await lostIn()).toEqual([what]);
  });

  test("counts an event that was stored and never processed as lost", async () => {
    await nest.collection("stripe-events").updateOne({}, { $set: { status: "processing" } });
    expect(await lostIn()).toEqual(["events = processed events in the ledger"]);
  });
});
