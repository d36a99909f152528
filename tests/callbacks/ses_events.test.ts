import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { handler } from "#callbacks/ses_events.ts";
import { DAY, HOUR } from "#core/clock.ts";
import { type EventFunction, serveEvent } from "#entry/event.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { linkRequest, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { freePort } from "#tools/machine/child_process.ts";

const ADDRESS = "bounced@example.com";

describe("the ses_events function", () => {
  let nest: TestNest;
  let serve: EventFunction;
  beforeEach(async () => {
    nest = await startNest();
    serve = serveEvent(handler.declaration, nest.gateway);
  });
  afterEach(() => nest.stop());

  const context = lambdaContext("r1");
  /** An event as SES publishes it to EventBridge, including fields that are not used. */
  const sesEvent = (detail: Record<string, unknown>, id = "17793124-05db-b198-2fde-7ededc63b103") => ({
    version: "0",
    id,
    "detail-type": "Email Bounced",
    source: "aws.ses",
    account: "123456789012",
    time: nest.clock.now().toISOString(),
    region: "eu-west-2",
    resources: [],
    detail: { mail: { messageId: "m1", destination: [ADDRESS] }, ...detail },
  });
  const bounce = (bounceType = "Permanent", emailAddress = ADDRESS) =>
    sesEvent({
      eventType: "Bounce",
      bounce: {
        bounceType,
        bounceSubType: "General",
        bouncedRecipients: [{ emailAddress }],
        feedbackId: "f",
      },
    });
  const complaint = () =>
    sesEvent({
      eventType: "Complaint",
      complaint: { complaintFeedbackType: "abuse", complainedRecipients: [{ emailAddress: ADDRESS }] },
    });
  const ask = async (identifier_value = ADDRESS) => {
    const before = nest.ses.inbox.length;
    const { status, raw } = await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }));
    return { status, raw, mails: nest.ses.inbox.length - before };
  };

  test("sends no mail to an address for 24 hours after a hard bounce, with the same response", async () => {
    await serve(bounce(), context);
    expect(await ask()).toEqual({ status: 204, raw: "", mails: 0 });
    expect(await ask("Bounced@EXAMPLE.com")).toMatchObject({ mails: 0 });
    expect(await ask("other@example.com")).toEqual({ status: 204, raw: "", mails: 1 });
    nest.clock.advance(DAY - HOUR);
    expect(await ask()).toMatchObject({ mails: 0 });
    nest.clock.advance(HOUR + 1);
    expect(await ask()).toMatchObject({ status: 204, mails: 1 });
  });

  test("stores soft bounces and complaints without suppressing mail", async () => {
    await serve(bounce("Transient"), context);
    await serve({ ...complaint(), id: "another" }, context);
    const stored = await nest.collection("mail-events").find().sort({ type: 1 }).toArray();
    expect(stored).toMatchObject([
      { type: "bounce", isPermanent: false, subType: "General", identifierValues: [ADDRESS] },
      { type: "complaint", isPermanent: false, subType: "abuse", messageId: "m1" },
    ]);
    expect(await ask()).toMatchObject({ mails: 1 });
  });

  test("stores an event once when it is delivered many times at once", async () => {
    await Promise.all(Array.from({ length: 10 }, () => serve(bounce(), context)));
    expect(await nest.collection("mail-events").countDocuments()).toBe(1);
  });

  test("drops and logs payloads that are not events, without logging an address", async () => {
    const undated = { ...bounce(), time: "yesterday" };
    for (const payload of [null, {}, { id: "x" }, sesEvent({ eventType: "Delivery" }), "text", undated]) {
      await serve(payload, context);
    }
    await serve(bounce("Permanent", "not an address"), context);
    await serve({ ...bounce(), id: "second" }, context);
    expect(nest.logged("event").map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 6 }, () => "dropped"),
      "done",
      "done",
    ]);
    expect(nest.logLines.join()).not.toContain("bounced@");
  });

  test("throws when an event cannot be stored, so that Lambda retries it", async () => {
    const refusing = `mongodb://127.0.0.1:${await freePort()}/nest?directConnection=true`;
    const lost = await startNest({ beside: nest, environment: { MONGODB_URI: refusing } });
    const failing = serveEvent(handler.declaration, lost.gateway);
    await expect(failing(bounce(), context)).rejects.toThrow("ses_events failed");
    await lost.stop();
  });
});
