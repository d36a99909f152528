import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";
import { SAMPLE_CLIENT_IDS, withSampleClients } from "#tools/local/sample_clients.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

test("GET /dev/status names the sample clients, and the API knows them", async () => {
  const { body } = await stack.ask("GET", "/dev/status");
  expect(body.clients).toEqual({
    native: "client_sample_native",
    web: "client_sample_web",
    simple: "client_sample_simple",
  });
  for (const client_id of Object.values<string>(body.clients))
    expect((await stack.ask("POST", `${V3}list_plans`, { client_id })).status).toBe(200);
});

test("the app of a deployment has no sample client", () => {
  const own = app.clients.map(({ id }) => id);
  for (const id of Object.values(SAMPLE_CLIENT_IDS)) expect(own).not.toContain(id);
});

test("sample clients have no grants on a deployed stage, and short passwords on this machine only", () => {
  const { clients } = withSampleClients(app);
  const { native, simple } = SAMPLE_CLIENT_IDS;
  expect(new OAuthClients(clients, "nonprod").require(native).grants).toEqual([]);
  expect(new OAuthClients(clients, "local").requireGrant(simple, "password").passwordMinLength).toBe(6);
  for (const stage of ["nonprod", "prod"] as const)
    expect(new OAuthClients(clients, stage).require(simple).passwordMinLength).toBe(15);
});
