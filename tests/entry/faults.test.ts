import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkRequest, MAC, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { startTcpRelay } from "#tests/support/tcp_relay.ts";
import { serverOf, throughProxy } from "#tools/local/database/uri.ts";

describe("while the database is down", () => {
  let base: TestNest;
  let nest: TestNest;
  let relay: Awaited<ReturnType<typeof startTcpRelay>>;
  beforeAll(async () => {
    base = await startNest();
    relay = await startTcpRelay(serverOf(base.mongoUri));
    nest = await startNest({
      beside: base,
      environment: { MONGODB_URI: throughProxy(base.mongoUri, relay.port) },
    });
  });
  afterAll(async () => {
    await nest.stop();
    await relay.close();
    await base.stop();
  });

  test.each(["refuse", "hang"] as const)(
    "returns 503 with Retry-After in time when it %ss, and recovers without a restart",
    async (fault) => {
      const tokens = await nest.signIn(`${fault}@example.com`);
      const { refresh_token } = tokens;
      const call = () =>
        nest.call(`${V2}get_user`, { user_id: tokens.user_id }, { bearer: tokens.access_token });
      expect((await call()).status).toBe(200);
      relay[fault]();
      const replies = await Promise.all([
        call(),
        nest.call(`${V1}send_magic_link`, linkRequest()),
        nest.refresh(refresh_token),
        nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token }),
      ]);
      for (const reply of replies) {
        expect({ status: reply.status, body: reply.body }).toEqual({
          status: 503,
          body: { code: "unavailable" },
        });
        expect(Number(reply.headers["retry-after"])).toBeGreaterThan(0);
      }
      relay.open();
      const recovered = await until(async () => (await nest.refresh(refresh_token)).status === 200);
      expect(recovered).toBe(true);
      expect(nest.logged("call").filter(({ code }) => code === "unknown")).toEqual([]);
    },
  );

  test("/health and the JWKS respond without a database", async () => {
    relay.refuse();
    for (const path of ["/health", "/.well-known/jwks.json"]) {
      expect((await nest.call(path, undefined, { method: "GET" })).status).toBe(200);
    }
    relay.open();
  });
});

describe("while the mail service is slow", () => {
  test("send_magic_link stops waiting within its time limit, and the next call succeeds", async () => {
    const nest = await startNest();
    nest.ses.fault({ calls: 1, kind: "hang" });
    const reply = await nest.call(`${V1}send_magic_link`, linkRequest());
    expect({ status: reply.status, body: reply.body }).toEqual({
      status: 502,
      body: { code: "email_not_sent" },
    });
    expect((await nest.call(`${V1}send_magic_link`, linkRequest())).status).toBe(204);
    await nest.stop();
  });
});

/** Repeats the call until the condition holds. No delay is needed, because the call itself waits. */
async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 20; attempt++) if (await holds()) return true;
  return false;
}
