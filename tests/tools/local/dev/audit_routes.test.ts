import { afterAll, beforeAll, expect, test } from "vitest";
import { codeRequest, digitsIn, wrongCode } from "#tests/support/codes.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { MAC } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const call = async (method: string, body: object, headers = {}) =>
  (await stack.ask("POST", `${V3}${method}`, body, headers)).body;
const phones = ["+6591230001", "+6591230002"];
const requestCode = async (phone: string) => {
  const { nonce } = await call("send_otp", codeRequest({ identifier_value: phone }));
  return { nonce, code: digitsIn(stack.sns.inbox.at(-1)?.text ?? "") };
};
const redeem = (presented: object) =>
  call("authenticate_user", { client_id: MAC, grant_type: "otp", ...presented });
const signIn = async (phone: string) => redeem(await requestCode(phone));
const trailOf = async (userId: string) => (await stack.ask("GET", `/dev/users/${userId}/audit`)).body.items;
const words = (rows: { action: string; is_pending: boolean }[]) =>
  rows.map(({ action, is_pending }) => `${action}${is_pending ? " (pending)" : ""}`).sort();

test("returns events that are pending, then the same rows once a job has moved them, and only the user's own", async () => {
  const [one, other] = [await signIn(phones[0] ?? ""), await signIn(phones[1] ?? "")];
  const before = await trailOf(one.user_id);
  expect(words(before)).toEqual([
    "identifier.added (pending)",
    "identifier.verified (pending)",
    "user.created (pending)",
    "user.signed_in",
  ]);
  await stack.ask("POST", "/dev/jobs/move_events");
  const after = await trailOf(one.user_id);
  expect(words(after)).toEqual(["identifier.added", "identifier.verified", "user.created", "user.signed_in"]);
  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
  expect(ids(after)).toEqual(ids(before));
  const others: { id: string }[] = await trailOf(other.user_id);
  expect(others).toHaveLength(4);
  expect(ids(others).filter((id) => ids(after).includes(id))).toEqual([]);
});

test("returns the newest row first, with the caller, the outcome and the reason of a refusal", async () => {
  const { nonce, code } = await requestCode("+6591230003");
  await redeem({ nonce, code: wrongCode(code) });
  stack.pass(1);
  const { user_id, session_id, access_token } = await redeem({ nonce, code });
  stack.pass(1);
  await call("revoke_session", {}, { authorization: `bearer ${access_token}` });
  const trail = await trailOf(user_id);
  const [ended, failed] = [trail[0], trail.at(-1)];
  expect(ended).toMatchObject({
    ...{ action: "session.revoked", is_pending: true, outcome: "success", error_code: null },
    ...{ actor: { type: "user", id: user_id }, target: { type: "session", id: session_id } },
    ...{ client_id: MAC, session_id, ip: expect.any(String), data: { reason: expect.any(String) } },
  });
  expect(failed).toMatchObject({
    ...{ action: "user.sign_in_failed", is_pending: false, outcome: "failure" },
    ...{ error_code: "verification_not_found", actor: { type: "anonymous", id: null } },
  });
});

test("returns an empty trail for a user that does not exist", async () => {
  expect(await stack.ask("GET", "/dev/users/user_none/audit")).toMatchObject({
    body: { items: [] },
    status: 200,
  });
});
