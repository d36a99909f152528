import { afterAll, beforeAll, expect, test } from "vitest";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { appCode, createFactor, presentFactor, verifyFactor } from "#tests/support/mfa.ts";
import { NATIVE, type Reply, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { setRoles } from "#tests/support/roles.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

const startWith = async (policy: Client["mfa"]["policy"]): Promise<TestNest> => {
  const samples = withSampleClients(app);
  const mfa = { policy, factors: ["totp"] } as const;
  const clients = samples.clients.map((one) => (one.id === NATIVE ? { ...one, mfa } : one));
  return startNest({ app: { ...samples, clients } });
};
let nest: TestNest;
beforeAll(async () => {
  nest = await startWith("required_for_roles");
});
afterAll(() => nest.stop());

let people = 0;
/** A user who signed in with a password before they got a role. */
async function newPerson(roles: readonly string[] = ["admin"]): Promise<Tokens> {
  const address = `role-${++people}@example.com`;
  await givePassword(nest, address);
  const { body } = await signInWith(nest, address);
  await setRoles(nest, body.user_id, roles);
  return body;
}
const call = (method: string, { access_token: bearer }: Pick<Tokens, "access_token">, body: object = {}) =>
  nest.call(`${V3}${method}`, body, { bearer });
const codeOf = ({ status, body }: Reply) => [status, body.code ?? null];
const REFUSED = [403, "reauthentication_required"];

test("a session without a second factor can't use the rights of a role that its user got later", async () => {
  const person = await newPerson();
  const { user_id: other } = await newPerson([]);
  expect(codeOf(await call("list_users", person))).toEqual(REFUSED);
  expect(codeOf(await call("get_user", person, { user_id: other }))).toEqual(REFUSED);
  expect(codeOf(await call("set_user_roles", person, { user_id: other, roles: [] }))).toEqual(REFUSED);
  for (const asked of [{}, { user_id: other }, { account_id: "account_none" }])
    expect(codeOf(await call("list_audit_logs", person, asked))).toEqual(REFUSED);
  // What every user may do stays.
  expect(codeOf(await call("get_user", person))).toEqual([200, null]);
  expect(codeOf(await call("list_audit_logs", person, { user_id: person.user_id }))).toEqual([200, null]);
});

test("a capability that no role of the user has is refused with access_denied", async () => {
  const person = await newPerson(["support"]);
  expect(codeOf(await call("list_users", person))).toEqual(REFUSED);
  expect(codeOf(await call("list_roles", person))).toEqual([403, "access_denied"]);
});

test("the session uses the right once its user has added a factor and presented it", async () => {
  const person = await newPerson();
  const { body } = await createFactor(nest, person);
  const added = appCode(body.secret, nest.clock.now(), -1);
  expect((await verifyFactor(nest, person, body.factor_id, added)).status).toBe(200);
  expect(codeOf(await call("list_users", person))).toEqual(REFUSED);
  const opened = await call("create_mfa_challenge", person, { client_id: NATIVE });
  const proof = { factor_id: body.factor_id, code: appCode(body.secret, nest.clock.now()) };
  const { body: fresh } = await presentFactor(nest, opened.body.mfa_token, proof);
  expect(codeOf(await call("list_users", fresh))).toEqual([200, null]);
  const refreshed = await nest.refresh(person.refresh_token, { client_id: NATIVE });
  expect(codeOf(await call("list_users", refreshed.body))).toEqual([200, null]);
});

test("a session of another client, whose policy is optional, uses no right without a second factor", async () => {
  const { access_token, user_id } = await nest.signIn("desktop@example.com");
  await setRoles(nest, user_id, ["admin"]);
  expect(codeOf(await call("list_users", { access_token }))).toEqual(REFUSED);
  expect(codeOf(await call("get_user", { access_token }))).toEqual([200, null]);
});

test("internal callers and sessions of test tokens need no second factor", async () => {
  const person = await newPerson();
  expect((await nest.call(`${V3}list_users`, {}, { internal: true })).status).toBe(200);
  const asked = { client_id: NATIVE, user_id: person.user_id, device: { device_id: "a test" } };
  const issued = await nest.call(`${V3}issue_token`, asked, { internal: true });
  expect(codeOf(await call("list_users", issued.body))).toEqual([200, null]);
});

test("a client that requires a second factor of all users also requires it of sessions that started before", async () => {
  const { access_token: bearer } = await newPerson();
  const strict = await startNest({ beside: nest, app: { ...nest.gateway.core.app, clients: requiring() } });
  try {
    expect(codeOf(await strict.call(`${V3}list_users`, {}, { bearer }))).toEqual(REFUSED);
  } finally {
    await strict.stop();
  }
});

const requiring = () =>
  nest.gateway.core.app.clients.map((one) =>
    one.id === NATIVE ? { ...one, mfa: { policy: "required" as const, factors: ["totp" as const] } } : one,
  );
