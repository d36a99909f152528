import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { handler } from "#callbacks/ses_events.ts";
import { DAY, HOUR } from "#core/clock.ts";
import type { MailEvent, MailEventRepository } from "#core/repositories/mail_events.ts";
import { type EventFunction, serveEvent } from "#entry/event.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { BUSY_MACHINE, linkRequest, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { freePort } from "#tools/machine/child_process.ts";

const ADDRESS = "bounced@example.com";

describe("the ses_events function", () => {
  let nest: TestNest;
  let serve: EventFunction;
  beforeEach(async () => {
    nest = await startNest({ slowdown: BUSY_MACHINE });
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
  const bounce = (
    bounceType = "Permanent",
    emailAddress: unknown = ADDRESS,
    destination: unknown = [ADDRESS],
  ) =>
    sesEvent({
      mail: { messageId: "m1", destination },
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
    await ask();
    await serve(bounce(), context);
    expect(await ask()).toEqual({ status: 204, raw: "", mails: 0 });
    expect(await ask("bounced@EXAMPLE.com")).toMatchObject({ mails: 0 });
    expect(await ask("other@example.com")).toEqual({ status: 204, raw: "", mails: 1 });
    nest.clock.advance(DAY - HOUR);
    expect(await ask()).toMatchObject({ mails: 0 });
    nest.clock.advance(HOUR + 1);
    expect(await ask()).toMatchObject({ status: 204, mails: 1 });
  });

  test("stores soft bounces and complaints without suppressing mail", async () => {
    await ask();
    await serve(bounce("Transient"), context);
    await serve({ ...complaint(), id: "another" }, context);
    const stored = await nest.collection("mail-events").find().sort({ type: 1 }).toArray();
    expect(stored).toMatchObject([
      { type: "bounce", isPermanent: false, subType: "General", identifierValues: [ADDRESS] },
      { type: "complaint", isPermanent: false, subType: "abuse", messageId: "m1" },
    ]);
    expect(await ask()).toMatchObject({ mails: 1 });
  });

  test("suppresses only the address that was mailed, whatever addresses the report names", async () => {
    await ask("mallory@evil.example");
    await ask("victim@example.com");
    await serve(bounce("Permanent", "victim@example.com", ["mallory@evil.example"]), context);
    expect(await ask("victim@example.com")).toEqual({ status: 204, raw: "", mails: 1 });
    expect(await ask("mallory@evil.example")).toMatchObject({ mails: 0 });
  });

  test("suppresses exactly the spelling that was mailed: a bounce of BOUNCED@ does not suppress bounced@", async () => {
    await ask("BOUNCED@example.com");
    await serve(bounce("Permanent", "bounced@example.com", ["BOUNCED@Example.com"]), context);
    expect(await ask()).toMatchObject({ mails: 1 });
    expect(await ask("Bounced@example.com")).toMatchObject({ mails: 1 });
    expect(await ask("BOUNCED@example.com")).toMatchObject({ mails: 0 });
  });

  test.each([
    [`"Ada" <${ADDRESS}>`],
    [`<${ADDRESS}>`],
    [`rfc822;${ADDRESS}`],
    [`rfc822; ${ADDRESS}`],
    ["bounced@EXAMPLE.com"],
    ["\u00e4da@example.com"],
    ["not an address"],
    [""],
    [null],
    [{ $ne: null }],
  ])("suppresses the one recipient of the mail when the report spells it %j", async (spelling) => {
    await ask();
    await serve(bounce("Permanent", spelling), context);
    expect(await ask()).toMatchObject({ mails: 0 });
  });

  test.each([
    ["no list", {}],
    ["null", { bouncedRecipients: null }],
    ["an empty list", { bouncedRecipients: [] }],
    ["a text", { bouncedRecipients: ADDRESS }],
    ["malformed entries", { bouncedRecipients: [null, 1, [], "x", {}] }],
  ])(
    "suppresses the one recipient of the mail when the report has %s of recipients",
    async (_case, change) => {
      await ask();
      const { detail, ...event } = bounce() as ReturnType<typeof bounce> & { detail: { bounce?: object } };
      const { bouncedRecipients: _left, ...rest } = (detail.bounce ?? {}) as Record<string, unknown>;
      await serve({ ...event, detail: { ...detail, bounce: { ...rest, ...change } } }, context);
      expect(await ask()).toMatchObject({ mails: 0 });
    },
  );

  test.each([
    ["none", []],
    ["null", null],
    ["a malformed address", ["not an address"]],
    ["several, none of which the report names", ["one@example.com", "two@example.com"]],
  ])("suppresses no address when the mail's destination is %s", async (_case, destination) => {
    await ask();
    await serve(bounce("Permanent", ADDRESS, destination), context);
    expect(await ask()).toMatchObject({ mails: 1 });
    const [stored] = await nest.collection("mail-events").find().toArray();
    expect(stored).toMatchObject({ identifierValues: [], recipients: [] });
  });

  test("suppresses the named recipients of a mail with several recipients", async () => {
    const all = ["one@example.com", "Two@example.com", "three@example.com"];
    for (const address of all) await ask(address);
    const { detail, ...event } = bounce("Permanent", "", all);
    const bouncedRecipients = ["<one@example.com>", "rfc822;Two@EXAMPLE.com"].map((emailAddress) => ({
      emailAddress,
    }));
    await serve(
      { ...event, detail: { ...detail, bounce: { bounceType: "Permanent", bouncedRecipients } } },
      context,
    );
    const mails = [];
    for (const address of all) mails.push((await ask(address)).mails);
    expect(mails).toEqual([0, 0, 1]);
  });

  test("reads a hard bounce that an earlier release stored, without recipients, for every spelling", async () => {
    await ask();
    await serve(bounce(), context);
    await nest.collection("mail-events").updateMany({}, { $unset: { recipients: "" } });
    expect(await ask()).toMatchObject({ mails: 0 });
    expect(await ask("BOUNCED@example.com")).toMatchObject({ mails: 0 });
  });

  test("stores nothing about an address that was erased before the event came", async () => {
    await ask();
    await nest.collection("authorizations").deleteMany({ identifierValue: ADDRESS });
    await serve(bounce(), context);
    expect(await nest.dump()).not.toContain(ADDRESS);
    expect(nest.logged("mail_returned")).toHaveLength(1);
  });

  test("removes an event whose address is erased while the event is stored", async () => {
    await ask();
    const { core } = nest.gateway;
    const mailEvents = {
      async insert(event: MailEvent) {
        await nest.collection("authorizations").deleteMany({ identifierValue: ADDRESS });
        return core.mailEvents.insert(event);
      },
      discard: (id: string) => core.mailEvents.discard(id),
    } as MailEventRepository;
    const erasing = { ...core, mailEvents };
    await serveEvent(handler.declaration, { core: erasing })(bounce(), context);
    expect(await nest.dump()).not.toContain(ADDRESS);
  });

  test("stores an event once when it is delivered many times at once", async () => {
    await ask();
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
