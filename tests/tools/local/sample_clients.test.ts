import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";
import {
  ADAPTER_CLIENT_IDS,
  adapterClientId,
  SAMPLE_CLIENT_IDS,
  withSampleClients,
} from "#tools/local/sample_clients.ts";

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

test("GET /dev/status names the client of each adapter: the sample, or the app's own client in its place", async () => {
  const { body } = await stack.ask("GET", "/dev/status");
  expect(body.adapters.service_authentication.client_id).toBe(ADAPTER_CLIENT_IDS.service_authentication);
  expect(body.adapters.static_backend.public_key).toBe(ADAPTER_CLIENT_IDS.static_backend);
  const [first] = app.clients as readonly [Client];
  const own: Client = { ...first, id: "acme_rest", adapters: ["service_authentication"] };
  const withOwn = { ...app, clients: [...app.clients, own] };
  expect(adapterClientId(withOwn, "service_authentication")).toBe("acme_rest");
  expect(adapterClientId(withOwn, "static_backend")).toBe(ADAPTER_CLIENT_IDS.static_backend);
  const disabled = { ...app, clients: [...app.clients, { ...own, enabled: false }] };
  expect(adapterClientId(disabled, "service_authentication")).toBe(ADAPTER_CLIENT_IDS.service_authentication);
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
