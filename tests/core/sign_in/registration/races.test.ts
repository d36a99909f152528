import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { codeKey } from "#core/parts.ts";
import { ATTEMPTS_LIMIT } from "#core/repositories/verifications.ts";
import { hashSecret as hashed } from "#core/secrets.ts";
import { digitsIn, redeemCode, wrongCode } from "#tests/support/codes.ts";
import { askToVerify, email, verify } from "#tests/support/identifiers.ts";
import { BUSY_MACHINE, NATIVE, type Reply, startNest, type TestNest } from "#tests/support/nest.ts";
import {
  askForReset,
  P1,
  P2,
  register,
  registerFirst,
  resetPassword,
  signInWith,
} from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const CALLERS = 50;
let nest: TestNest;
let people = 0;
let address = "";
beforeAll(async () => {
  nest = await startNest({
    slowdown: BUSY_MACHINE,
    environment: { LIMIT_REGISTRATIONS_PER_NETWORK: "0", LIMIT_FAILURES_PER_NETWORK: "0" },
  });
});
beforeEach(() => {
  address = `racer${++people}@example.com`;
});
afterAll(() => nest.stop());

const atOnce = (work: (index: number) => Promise<Reply>) =>
  Promise.all(Array.from({ length: CALLERS }, (_one, index) => work(index)));
const own = () => ({ identifier_value: address });
const codeTo = () => digitsIn(nest.lastMail(address).text.replace(/https:\S+/g, ""));

/** The number of users, accounts, passwords and addresses that the address led to. */
async function owners() {
  const { core } = nest.gateway;
  const found = await nest.collection("identifiers").find({ identifierValue: address }).toArray();
  const [userId = ""] = [...new Set(found.map((one) => String(one.userId)))];
  const accounts = await core.accountMembers.listByUser(userId);
  const isMade = (await core.users.find(userId)) !== null;
  return { identifiers: found.length, accounts: accounts.length, isMade, userId };
}

test("of 50 redemptions of the code of a registration at once, one makes a user, with one account and the password", async () => {
  const { body } = await registerFirst(nest, own());
  const presented = { nonce: body.verification.nonce, code: codeTo() };
  const replies = await atOnce(() => redeemCode(nest, presented, { client_id: NATIVE }));
  const [won, ...others] = replies.filter(({ status }) => status === 200);
  expect([won?.body.user_created, others]).toEqual([true, []]);
  expect(await owners()).toEqual({ identifiers: 1, accounts: 1, isMade: true, userId: won?.body.user_id });
  expect((await signInWith(nest, address, P1)).status).toBe(200);
});

test("of 50 registrations of one address at once that prove it first, the newest message makes one user", async () => {
  const replies = await atOnce(() => registerFirst(nest, own()));
  for (const { status, body } of replies) expect([status, body.access_token]).toEqual([200, null]);
  expect((await owners()).identifiers).toBe(0);
  const codes = nest.ses.inbox.filter(({ to }) => to === address).map(({ text }) => digitsIn(text));
  const key = nest.gateway.part(codeKey);
  const open = await nest.collection("verifications").find({ identifierValue: address }).toArray();
  const redeemed = await Promise.all(
    replies.map(async ({ body: { verification } }) => {
      const stored = open.find((one) => one.nonceHash === hashed(verification.nonce));
      const code = codes.find((one) => key.matches(String(stored?._id), one, String(stored?.codeHash)));
      return redeemCode(nest, { nonce: verification.nonce, code: code ?? "" }, { client_id: NATIVE });
    }),
  );
  const users = new Set(redeemed.filter(({ status }) => status === 200).map(({ body }) => body.user_id));
  expect(users.size).toBeLessThanOrEqual(1);
  const last = await registerFirst(nest, own());
  if (users.size === 0) {
    const presented = { nonce: last.body.verification.nonce, code: codeTo() };
    expect((await redeemCode(nest, presented, { client_id: NATIVE })).status).toBe(200);
  }
  expect(await owners()).toMatchObject({ identifiers: 1, accounts: 1, isMade: true });
});

test("of registrations, codes and links of one address at once, one user has it, and nothing of a stranger stays", async () => {
  const { body } = await registerFirst(nest, own());
  const presented = { nonce: body.verification.nonce, code: codeTo() };
  const link = await nest.emailedCode(own());
  const replies = await atOnce((index) => {
    if (index % 5 === 1) return redeemCode(nest, presented, { client_id: NATIVE });
    if (index % 5 === 2) return nest.redeem(link);
    return register(nest, { ...own(), password: P2 });
  });
  const proofs = replies.filter(({ status }, index) => status === 200 && [1, 2].includes(index % 5));
  expect(new Set(proofs.map((reply) => reply.body.user_id)).size).toBe(1);
  expect(await owners()).toMatchObject({ identifiers: 1, accounts: 1, isMade: true });
  const strangers = replies.filter(({ status }, index) => status === 200 && ![1, 2].includes(index % 5));
  for (const stranger of strangers) {
    const bearer = stranger.body.access_token;
    expect((await nest.call(`${V3}get_user`, {}, { bearer })).status).toBe(401);
  }
  expect((await signInWith(nest, address, P2)).status).toBe(401);
});

test.each([
  [
    "a registration",
    async () => (await registerFirst(nest, own())).body.verification.nonce,
    (presented: Presented) => redeemCode(nest, presented, { client_id: NATIVE }),
  ],
  [
    "a reset",
    async () => {
      await register(nest, own());
      return (await askForReset(nest, own())).body.nonce;
    },
    (presented: Presented) => resetPassword(nest, { ...presented }),
  ],
  [
    "an address that a user adds",
    async () => {
      const user = await nest.signIn(`home.${address}`);
      return (await askToVerify(nest, user, email(address))).body.nonce;
    },
    (presented: Presented) => verify(nest, { ...presented }),
  ],
])(
  "of 50 wrong codes of %s at once, at most 5 are compared, and the right code is refused then",
  async (_what, ask, present) => {
    const nonce = await ask();
    const code = codeTo();
    const key = nest.gateway.part(codeKey);
    const matches = key.matches.bind(key);
    let compared = 0;
    key.matches = (...given) => {
      compared++;
      return matches(...given);
    };
    const replies = await atOnce(() => present({ nonce, code: wrongCode(code) }));
    key.matches = matches;
    const refused = [404, "verification_not_found"];
    for (const { status, body } of replies) expect([status, body.code]).toEqual(refused);
    expect(compared).toBe(ATTEMPTS_LIMIT);
    const right = await present({ nonce, code });
    expect([right.status, right.body.code]).toEqual(refused);
  },
);

interface Presented {
  nonce: string;
  code: string;
}
