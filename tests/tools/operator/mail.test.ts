import { afterEach, beforeEach, expect, test } from "vitest";
import { handler } from "#callbacks/ses_events.ts";
import { DAY } from "#core/clock.ts";
import { serveEvent } from "#entry/event.ts";
import { runCli } from "#tests/support/cli.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { linkRequest, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { type Mails, mailRoutes } from "#tools/local/dev/mail_routes.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const run = (...args: string[]) => runCli(["mail", ...args], { MONGODB_URI: nest.mongoUri });

/** Requests a link and simulates the SES event of its mail through the local stack. */
async function returned(to: string, kind: string, secondsAgo = 0): Promise<void> {
  await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value: to }));
  const serve = serveEvent(handler.declaration, nest.gateway);
  const sendEvent: Mails["sendEvent"] = (event) => {
    const time = new Date(Date.parse(event.time) - secondsAgo * 1000).toISOString();
    return serve({ ...event, time }, lambdaContext("r1"));
  };
  const route = mailRoutes({ ses: nest.ses, sendEvent }).find(({ path }) => path === "/dev/mail/returned");
  const answer = await route?.run("", Buffer.from(JSON.stringify({ to, kind })));
  expect(answer?.status).toBe(204);
}

const mailsTo = async (identifier_value: string) => {
  const before = nest.ses.inbox.length;
  expect((await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }))).status).toBe(204);
  return nest.ses.inbox.length - before;
};

test("shows until when mail to a bounced address is suppressed, and release ends the suppression", async () => {
  await returned("ada@example.com", "bounce");
  expect(await mailsTo("ada@example.com")).toBe(0);
  const shown = await run("show", " ada@Example.com");
  expect(shown.printed).toMatch(
    /^Mail to ada@example\.com is suppressed until 20\S+Z\.\n20\S+Z {2}bounce {2}General {2}ada@example\.com\n$/,
  );
  expect(await run("release", "ada@example.com")).toEqual({
    status: 0,
    printed: "Mail to it is sent again. Hard bounces deleted: 1.\n",
  });
  expect(await mailsTo("ada@example.com")).toBe(1);
  expect((await run("release", "ada@example.com")).printed).toBe(
    "It has no hard bounces. Nothing was changed.\n",
  );
});

test("show and release name exactly the spelling that was mailed", async () => {
  await returned("Ada@example.com", "bounce");
  const shown = await run("show", "ada@example.com");
  expect(shown.printed).toMatch(
    /^Mail to ada@example\.com is not suppressed\.\n20\S+Z {2}bounce {2}General {2}Ada@example\.com\n$/,
  );
  expect((await run("release", "ada@example.com")).printed).toBe(
    "It has no hard bounces. Nothing was changed.\n",
  );
  expect((await run("show", "Ada@example.com")).printed).toMatch(/^Mail to Ada@example\.com is suppressed/);
  expect((await run("release", "Ada@example.com")).printed).toBe(
    "Mail to it is sent again. Hard bounces deleted: 1.\n",
  );
  expect(await mailsTo("Ada@example.com")).toBe(1);
});

test("a soft bounce and a complaint suppress nothing, and release keeps them", async () => {
  await returned("ada@example.com", "soft_bounce");
  await returned("ada@example.com", "complaint");
  await returned("ada@example.com", "bounce");
  await run("release", "ada@example.com");
  const { printed } = await run("show", "ada@example.com");
  expect(printed).toMatch(/^Mail to ada@example\.com is not suppressed\.\n/);
  expect(printed.match(/soft bounce|complaint/g)?.sort()).toEqual(["complaint", "soft bounce"]);
});

test("lists bounces and complaints since a time, newest first, with counts per domain", async () => {
  await returned("old@example.com", "bounce", 2 * DAY);
  await returned("ada@example.com", "bounce", 60);
  await returned("bob@example.com", "bounce", 30);
  await returned("eve@example.org", "complaint", 10);
  const { printed } = await run("returned");
  expect(printed).toMatch(/^2 {2}bounce +example\.com\n1 {2}complaint +example\.org\n\n/);
  expect(printed.match(/\w+@example/g)).toEqual(["eve@example", "bob@example", "ada@example"]);
  const since = new Date(Date.now() - 3 * DAY * 1000).toISOString();
  const document = JSON.parse(
    (await runCli(["mail", "returned", "--since", since, "--json"], { MONGODB_URI: nest.mongoUri })).printed,
  );
  expect(document.events).toHaveLength(4);
  expect(document.domains[0]).toEqual({ domain: "example.com", kind: "bounce", count: 3 });
});

test("prints one sentence for an empty result and a usage error for an invalid address", async () => {
  expect(await run("returned")).toEqual({ status: 0, printed: "There were no bounces or complaints.\n" });
  expect((await run("show", "nobody@example.com")).printed).toMatch(
    /Mail to nobody@example\.com is not suppressed\.\nNo bounce or complaint is stored\./,
  );
  expect((await run("show", "nobody")).status).toBe(2);
  expect((await run("returned", "--since", "yesterday")).status).toBe(2);
});
