import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wrongCode } from "#tests/support/codes.ts";
import { atOnce } from "#tests/support/concurrency.ts";
import {
  addIdentifier,
  askToVerify,
  callWith,
  email,
  phone,
  type SentSecret,
  sentSecret,
  tokenIn,
  verify,
} from "#tests/support/identifiers.ts";
import {
  BUSY_MACHINE,
  MAC,
  startNest,
  type TestNest,
  type Tokens,
  V2,
  WINDOWS,
} from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const LIMITS = { LIMIT_MAILS_PER_HOUR: "0", LIMIT_SMS_PER_DAY: "0" };
const UNKNOWN = "0".repeat(64);
let nest: TestNest;
let people = 0;
beforeAll(async () => {
  nest = await startNest({ slowdown: BUSY_MACHINE, environment: LIMITS });
});
afterAll(() => nest.stop());

/** A user who has just signed in. */
async function person(): Promise<Tokens & { address: string; other: string }> {
  const number = ++people;
  const address = `person${number}@example.com`;
  return { ...(await nest.signIn(address)), address, other: `other${number}@example.com` };
}
const getUser = async ({ access_token: bearer }: Pick<Tokens, "access_token">) =>
  (await nest.call(`${V3}get_user`, {}, { bearer })).body;
const shown = async (tokens: Pick<Tokens, "access_token">) => {
  const { identifiers } = await getUser(tokens);
  return identifiers.map(({ identifier_value, is_primary, is_pending, verified_at, removed_at }: never) =>
    [
      ...[identifier_value, is_primary ? "primary" : "", is_pending ? "pending" : ""],
      ...[verified_at ? "verified" : "", removed_at ? "removed" : ""],
    ]
      .filter(Boolean)
      .join(" "),
  );
};
async function makeStale({ user_id }: Tokens): Promise<void> {
  const longAgo = { $set: { authTime: "2020-01-01T00:00:00.000Z" } };
  await nest.collection("sessions").updateMany({ userId: user_id }, longAgo);
}
const codeOf = ({ proof }: SentSecret) => ("code" in proof ? proof.code : "");
const rowsOf = async (userId: string, action: string) =>
  (await nest.moveEvents()).filter((row) => row.userId === userId && row.action === action);
const mailsTo = (address: string) => nest.ses.inbox.filter(({ to }) => to === address);

describe("send_verification and verify_identifier", () => {
  test("a code by mail adds an address, which is pending until then", async () => {
    const ada = await person();
    const sent = await sentSecret(nest, ada, email(ada.other));
    expect(await shown(ada)).toEqual([`${ada.address} primary verified`, `${ada.other} pending`]);
    const { status, body } = await verify(nest, sent.proof);
    expect(status).toBe(200);
    expect(body.identifier).toMatchObject({
      ...{ id: sent.identifier_id, identifier_type: "email", identifier_value: ada.other },
      ...{ verified_at: expect.any(String), is_primary: false, is_pending: false, removed_at: null },
    });
    expect(await shown(ada)).toEqual([`${ada.address} primary verified`, `${ada.other} verified`]);
    expect((await nest.signIn(ada.other)).user_id).toBe(ada.user_id);
  });

  test("an SMS adds a number, and the old address gets a notice without a secret (WP1.10)", async () => {
    const ada = await person();
    const sent = await sentSecret(nest, ada, phone("+6591230001"));
    expect((await verify(nest, sent.proof)).status).toBe(200);
    expect(await shown(ada)).toContain("+6591230001 primary verified");
    const notice = mailsTo(ada.address).at(-1);
    expect(notice?.subject).toContain("addresses");
    for (const secret of [codeOf(sent), sent.nonce, "+6591230001"])
      expect(notice?.text).not.toContain(secret);
  });

  test("a link opens the client's page with a token and no address, and works once", async () => {
    const ada = await person();
    const sent = await sentSecret(nest, ada, { ...email(ada.other), delivery: "link" });
    const { text } = nest.lastMail(ada.other);
    expect(text).toMatch(new RegExp(`token=[0-9a-f]{64}&flow=verify_identifier&client_id=${MAC}`));
    expect(text.replaceAll("\n", " ").match(/https?:\S*token=\S*/)?.[0]).not.toContain("example.com");
    const check = () => nest.call(`${V3}check_verification`, { client_id: MAC, token: tokenIn(text) });
    for (const { status, body } of [await check(), await check()])
      expect([status, body]).toEqual([
        200,
        { valid: true, purpose: "verify_identifier", expires_at: expect.any(String) },
      ]);
    expect((await verify(nest, sent.proof)).status).toBe(200);
    expect((await verify(nest, sent.proof)).body.code).toBe("verification_not_found");
    expect((await check()).body.code).toBe("verification_not_found");
  });

  test("a stale session may ask again for what is pending, and not for something new", async () => {
    const ada = await person();
    const { identifier_id } = await sentSecret(nest, ada, email(ada.other));
    await makeStale(ada);
    const fresh = await askToVerify(nest, ada, email("new@example.com"));
    expect([fresh.status, fresh.body.code]).toEqual([403, "reauthentication_required"]);
    expect((await askToVerify(nest, ada, { identifier_id })).body.identifier_id).toBe(identifier_id);
    expect((await askToVerify(nest, ada, email(ada.other))).body.identifier_id).toBe(identifier_id);
  });

  test("refuses what is verified, unknown, or another user's identifier", async () => {
    const [ada, bob] = [await person(), await person()];
    const { identifiers } = await getUser(bob);
    const answers = [
      await askToVerify(nest, ada, email(ada.address.toUpperCase())),
      await askToVerify(nest, ada, { identifier_id: "userident_none" }),
      await askToVerify(nest, ada, { identifier_id: identifiers[0].id }),
    ];
    expect(answers.map(({ status, body }) => `${status} ${body.code}`)).toEqual([
      "409 already_verified",
      "404 identifier_not_found",
      "404 identifier_not_found",
    ]);
  });

  test.each([
    ["no identifier", {}],
    ["an id and a value", { identifier_id: "userident_x", ...email("a@example.com") }],
    ["a value without a type", { identifier_value: "a@example.com" }],
  ])("refuses %s as validation_failed", async (_case, asked) => {
    expect((await askToVerify(nest, await person(), asked)).body.code).toBe("validation_failed");
  });

  test("refuses a redirect URI that is not on the client's list", async () => {
    const ada = await person();
    const asked = { ...email(ada.other), delivery: "link", redirect_uri: "https://elsewhere.example/" };
    expect((await askToVerify(nest, ada, asked)).body.code).toBe("invalid_redirect_uri");
  });

  test("answers alike for an address of another user, whose mail says so and has no secret", async () => {
    const [ada, bob] = [await person(), await person()];
    const free = await askToVerify(nest, ada, email(ada.other));
    const taken = await askToVerify(nest, ada, email(bob.address));
    expect(taken.status).toBe(free.status);
    expect(Object.keys(taken.body)).toEqual(Object.keys(free.body));
    const mail = nest.lastMail(bob.address);
    expect(mail.text).toContain("belongs to another account");
    expect(mail.text).not.toMatch(/\b\d{6}\b|token=/);
    expect(await shown(ada)).toContain(`${bob.address} pending`);
  });

  test("refuses a code after five wrong ones, and with another nonce, client or purpose", async () => {
    const ada = await person();
    const { proof, nonce } = await sentSecret(nest, ada, email(ada.other));
    const code = "code" in proof ? proof.code : "";
    const other = await sentSecret(nest, await person(), email(`x${ada.other}`));
    const refused = async (body: object) => (await verify(nest, body as never)).body.code;
    expect(await refused({ nonce: other.nonce, code: wrongCode(codeOf(other)) })).toBe(
      "verification_not_found",
    );
    expect(await refused({ nonce, code, client_id: WINDOWS })).toBe("verification_not_found");
    const otp = { client_id: MAC, grant_type: "otp", nonce, code };
    expect((await nest.call(`${V3}authenticate_user`, otp)).body.code).toBe("verification_not_found");
    for (let count = 0; count < 4; count++)
      expect(await refused({ nonce, code: wrongCode(code) })).toBe("verification_not_found");
    expect(await refused({ nonce, code })).toBe("verification_not_found");
  });

  test.each([
    [
      "full-width digits",
      (code: string) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    ],
    ["spaces", (code: string) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ["a minus sign", (code: string) => `-${code.slice(1)}`],
    ["five digits", (code: string) => code.slice(1)],
    ["seven digits", (code: string) => `${code}0`],
  ])("refuses a code with %s", async (_case, change) => {
    const ada = await person();
    const { proof, nonce } = await sentSecret(nest, ada, email(ada.other));
    const code = "code" in proof ? proof.code : "";
    expect((await verify(nest, { nonce, code: change(code) })).body.code).toBe("verification_not_found");
    expect((await verify(nest, { nonce, code })).status).toBe(200);
  });

  test.each([
    ["letters", "+65ABCDEFGH"],
    ["too many digits", `+65${"9".repeat(20)}`],
    ["an unassigned country", "+99991234567"],
    ["a premium number", "+449098790000"],
    ["a short number", "+65123"],
    ["several plus signs", "++6591234567"],
    ["Arabic digits", "+٦٥٩١٢٣٤٥٦٧"],
  ])("refuses a number with %s as invalid_identifier and sends nothing", async (_case, number) => {
    const before = nest.sns.inbox.length;
    expect((await askToVerify(nest, await person(), phone(number))).body.code).toBe("invalid_identifier");
    expect(nest.sns.inbox).toHaveLength(before);
  });

  test("is refused with a limit per network for wrong tokens, and never for a right one", async () => {
    const strict = await startNest({
      ...{ beside: nest, environment: { ...LIMITS, LIMIT_VERIFICATION_FAILURES_PER_NETWORK: "2" } },
    });
    const ada = await person();
    const sent = await sentSecret(nest, ada, { ...email(ada.other), delivery: "link" });
    const ip = "198.51.100.77";
    const codes = [];
    for (let count = 0; count < 3; count++)
      codes.push((await verify(strict, { token: UNKNOWN }, { ip })).body.code);
    expect(codes).toEqual(["verification_not_found", "verification_not_found", "rate_limited"]);
    expect((await verify(strict, sent.proof, { ip })).status).toBe(200);
    await strict.stop();
  });

  test("records identifier.added and identifier.verified once", async () => {
    const ada = await person();
    const { identifier_id, proof } = await sentSecret(nest, ada, email(ada.other));
    await askToVerify(nest, ada, { identifier_id });
    const again = await sentSecret(nest, ada, email(ada.other));
    await verify(nest, proof);
    await verify(nest, again.proof);
    for (const action of ["identifier.added", "identifier.verified"]) {
      const rows = (await rowsOf(ada.user_id, action)).filter(({ target }) => target.id === identifier_id);
      expect(rows, action).toMatchObject([{ actor: { type: "user", id: ada.user_id } }]);
    }
  });

  test("is not known to earlier versions, which list nothing that is pending", async () => {
    const ada = await person();
    await sentSecret(nest, ada, email(ada.other));
    const old = await nest.call(`${V2}send_verification`, {}, { bearer: ada.access_token });
    expect(old.body.code).toBe("not_found");
    const { body } = await nest.call(`${V2}get_user`, { user_id: ada.user_id }, { bearer: ada.access_token });
    expect(body.identifiers).toHaveLength(1);
  });
});

describe("races", () => {
  test("of 50 users who prove one address at once, one gets it", async () => {
    const address = "wanted@example.com";
    const users = [];
    const secrets: SentSecret[] = [];
    for (let count = 0; count < 50; count++) {
      const user = await person();
      users.push(user);
      secrets.push(await sentSecret(nest, user, email(address)));
    }
    const replies = await Promise.all(secrets.map(({ proof }) => verify(nest, proof)));
    const won = replies.findIndex(({ status }) => status === 200);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(replies.map(({ body }) => body.code))).toEqual(
      new Set([undefined, "verification_not_found"]),
    );
    expect((await nest.signIn(address)).user_id).toBe(users[won]?.user_id);
  }, 180_000);

  test("of 20 calls with one code, one verifies", async () => {
    const ada = await person();
    const { proof } = await sentSecret(nest, ada, { ...email(ada.other), delivery: "link" });
    const replies = await atOnce(() => verify(nest, proof));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await shown(ada)).toContain(`${ada.other} verified`);
  });

  test("of two removals at once, one is refused and one identifier is left", async () => {
    for (let round = 0; round < 10; round++) {
      const ada = await person();
      const second = await addIdentifier(nest, ada, email(ada.other));
      const [first] = (await getUser(ada)).identifiers;
      const replies = await Promise.all(
        [first.id, second].map((id) => callWith(nest, "remove_identifier", ada, id)),
      );
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect((await shown(ada)).filter((one: string) => !one.includes("removed"))).toHaveLength(1);
    }
  }, 60_000);
});

describe("remove_identifier", () => {
  test("frees an address, tells it and the others, and signs nobody in to the user any more", async () => {
    const ada = await person();
    const id = await addIdentifier(nest, ada, email(ada.other));
    const { status, body } = await callWith(nest, "remove_identifier", ada, id);
    expect([status, body]).toEqual([200, { removed_at: expect.any(String) }]);
    for (const address of [ada.address, ada.other])
      expect(mailsTo(address).at(-1)?.text, address).toContain("was removed");
    expect((await callWith(nest, "remove_identifier", ada, id)).body).toEqual(body);
    expect((await nest.signIn(ada.other)).user_id).not.toBe(ada.user_id);
    expect(await rowsOf(ada.user_id, "identifier.removed")).toMatchObject([{ target: { id } }]);
  });

  test("refuses the last verified identifier, also if another is pending (WP1.10)", async () => {
    const ada = await person();
    await sentSecret(nest, ada, email(ada.other));
    const [first] = (await getUser(ada)).identifiers;
    const { status, body } = await callWith(nest, "remove_identifier", ada, first.id);
    expect([status, body.code]).toEqual([409, "last_sign_in_method"]);
  });

  test("removes what is pending, whose code no longer works", async () => {
    const ada = await person();
    const { identifier_id, proof } = await sentSecret(nest, ada, email(ada.other));
    expect((await callWith(nest, "remove_identifier", ada, identifier_id)).status).toBe(200);
    expect((await verify(nest, proof)).body.code).toBe("verification_not_found");
    expect(await shown(ada)).toEqual([`${ada.address} primary verified`]);
  });

  test("refuses a stale session and another user's identifier", async () => {
    const [ada, bob] = [await person(), await person()];
    const [other] = (await getUser(bob)).identifiers;
    expect((await callWith(nest, "remove_identifier", ada, other.id)).body.code).toBe("identifier_not_found");
    await makeStale(bob);
    expect((await callWith(nest, "remove_identifier", bob, other.id)).body.code).toBe(
      "reauthentication_required",
    );
  });

  test("completes a removal that stopped after it was allowed", async () => {
    const ada = await person();
    const id = await addIdentifier(nest, ada, email(ada.other));
    await nest.gateway.core.users.recordRemoval(ada.user_id, id, [], []);
    const [first] = (await getUser(ada)).identifiers;
    expect((await callWith(nest, "remove_identifier", ada, first.id)).body.code).toBe("last_sign_in_method");
    expect((await callWith(nest, "remove_identifier", ada, id)).status).toBe(200);
  });
});

describe("set_primary_identifier", () => {
  test("makes another address the email of get_user, and tells every address", async () => {
    const ada = await person();
    const id = await addIdentifier(nest, ada, email(ada.other));
    expect((await getUser(ada)).email).toBe(ada.address);
    const { status, body } = await callWith(nest, "set_primary_identifier", ada, id);
    expect([status, body.identifier.is_primary]).toEqual([200, true]);
    expect((await getUser(ada)).email).toBe(ada.other);
    expect(await shown(ada)).toEqual([`${ada.address} verified`, `${ada.other} primary verified`]);
    for (const address of [ada.address, ada.other])
      expect(mailsTo(address).at(-1)?.text, address).toContain("primary");
    expect(await rowsOf(ada.user_id, "user.updated")).toMatchObject([
      { data: { field: "primary_identifier", identifierId: id } },
    ]);
    const mails = nest.ses.inbox.length;
    expect((await callWith(nest, "set_primary_identifier", ada, id)).status).toBe(200);
    expect(nest.ses.inbox).toHaveLength(mails);
  });

  test("refuses what is pending, unknown or removed, and a stale session", async () => {
    const ada = await person();
    const { identifier_id } = await sentSecret(nest, ada, email(ada.other));
    const set = async (id: string) => (await callWith(nest, "set_primary_identifier", ada, id)).body.code;
    expect(await set(identifier_id)).toBe("identifier_not_verified");
    await callWith(nest, "remove_identifier", ada, identifier_id);
    expect(await set(identifier_id)).toBe("identifier_not_found");
    const [first] = (await getUser(ada)).identifiers;
    await makeStale(ada);
    expect(await set(first.id)).toBe("reauthentication_required");
  });

  test("of many calls at once, one address is the primary one, and it falls back when that is removed", async () => {
    const ada = await person();
    const ids = [
      await addIdentifier(nest, ada, email(ada.other)),
      await addIdentifier(nest, ada, email(`third-${ada.other}`)),
    ];
    await atOnce((caller) => callWith(nest, "set_primary_identifier", ada, ids[caller % 2] ?? ""), 10);
    const primary = (await getUser(ada)).identifiers.filter(({ is_primary }: never) => is_primary);
    expect(primary).toHaveLength(1);
    await callWith(nest, "remove_identifier", ada, primary[0].id);
    expect((await getUser(ada)).identifiers.filter(({ is_primary }: never) => is_primary)).toHaveLength(1);
  });
});
