import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { serveEvent } from "#entry/event.ts";
import { type ProxiedNest, startProxiedNest } from "#tests/faults/proxied_nest.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { codeIn, linkRequest, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

const UNAVAILABLE = { status: 503, body: { code: "unavailable" }, retryAfter: "1" };

let base: TestNest;
let proxied: ProxiedNest;
beforeAll(async () => {
  base = await startNest();
  proxied = await startProxiedNest(base);
});
afterAll(async () => {
  await proxied.stop();
  await base.stop();
});

describe.each(["overloaded", "interrupted"] as const)("a database that answers %s", (kind) => {
  test.each(["get_user", "refresh", "redeem", "the webhook"])(
    "makes %s unavailable with Retry-After, and a retry succeeds",
    async (name) => {
      const { nest } = proxied;
      const address = `${kind}.${name.replace(" ", "_")}@example.com`;
      await nest.requestLink({ identifier_value: address });
      const code = codeIn(nest.lastMail(address));
      const { user_id, access_token, refresh_token } = await nest.signIn(`other.${address}`);
      nest.stripe.createSubscription({ email: address });
      const event = nest.stripe.events().findLast(({ type }) => type === "customer.subscription.created");
      const call = {
        get_user: () => nest.call(`${V2}get_user`, { user_id }, { bearer: access_token }),
        refresh: () => nest.refresh(refresh_token),
        redeem: () => nest.redeem(code),
        "the webhook": () => nest.webhook(event as never),
      }[name] as () => ReturnType<typeof nest.call>;

      proxied.proxies.database.arm(kind, 1);
      const { status, body, headers } = await call();
      expect({ status, body, retryAfter: headers["retry-after"] }).toEqual(UNAVAILABLE);
      await proxied.clearFaults();
      expect((await call()).status).toBe(200);
    },
  );

  test("fails an event function with the code unavailable in the log, so that Lambda retries", async () => {
    const serve = serveEvent(sesEvents.declaration, proxied.nest.gateway);
    const recipient = { emailAddress: "bounced@example.com" };
    const detail = {
      eventType: "Bounce",
      mail: { messageId: `message-${kind}`, destination: [recipient.emailAddress] },
      bounce: { bounceType: "Permanent", bouncedRecipients: [recipient] },
    };
    const event = { id: `event-${kind}`, time: new Date().toISOString(), detail };
    proxied.proxies.database.arm(kind, 1);
    await expect(serve(event, lambdaContext())).rejects.toThrow("ses_events failed");
    expect(proxied.nest.logged("event").at(-1)).toMatchObject({ outcome: "failed", code: "unavailable" });
    await proxied.clearFaults();
  });
});

test("a link is not lost while the database is overloaded: the call is unavailable or the link is sent", async () => {
  const { nest } = proxied;
  proxied.proxies.database.arm("overloaded", 1);
  const { status, headers } = await nest.call(`${V1}send_magic_link`, linkRequest());
  expect([status, headers["retry-after"]]).toEqual([503, "1"]);
  await proxied.clearFaults();
  expect((await nest.call(`${V1}send_magic_link`, linkRequest())).status).toBe(204);
});
