import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeIn, linkRequest, startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";

const VICTIM = "kate.miller@example.com";

/** Addresses that look like the victim's to a reader, a collation or a wrong lower-casing. */
const LOOK_ALIKES = [
  "\u212aate.miller@example.com",
  "k\u0430te.miller@example.com",
  "k\u0251te.miller@example.com",
  "kate.mi\u217cler@example.com",
  "kate.m\u0131ller@example.com",
  "kate.m\u0130ller@example.com",
  "kate.mi11er@example.com",
  "kate.miIIer@example.com",
  "kate.m\u0456ller@example.com",
  "\uff4bate.miller@example.com",
  "ka\u0301te.miller@example.com",
  "k\u00e1te.miller@example.com",
  "kate.\u200bmiller@example.com",
  "kate\u00admiller@example.com",
  "kate.miller\u202e@example.com",
  "kate\u2024miller@example.com",
  "kate..miller@example.com",
  "kate.miller.@example.com",
  "katemiller@example.com",
  "kate.miller+x@example.com",
  '"kate.miller"@example.com',
  "kate.miller(x)@example.com",
  "kate.miller\u0000@example.com",
  "kate.miller%00@example.com",
  "kate.miller@example.com@evil.example",
  "kate.miller@evil.example@example.com",
  "kate.miller%evil.example@example.com",
  "kate.miller!evil@example.com",
  "kate.miller@ex\u0430mple.com",
  "kate.miller@examp\u04cfe.com",
  "kate.miller@exarnple.com",
  "kate.miller@example.co",
  "kate.miller@example.com.evil.example",
  "kate.miller@example.com.",
  "kate.miller@.example.com",
  "kate.miller@sub.example.com",
  "kate.miller@example\u2044com",
  "kate.miller@example.com\u2044",
  "kate.miller@xn--example-.com",
  "kate.miller@[example.com]",
  "kate.miller@example.com:25",
  "kate.miller@example.com/evil",
  "kate.miller@example.com?x",
  "kate.miller@example.com#x",
  "kate.miller@example.com\\evil",
  "kate.miller\u3000@example.com",
  "<kate.miller@example.com>",
  "mailto:kate.miller@example.com",
];

/** Other spellings of the victim's address. Their mail goes to the victim only. */
const SPELLINGS = [
  "KATE.MILLER@EXAMPLE.COM",
  " kate.miller@example.com ",
  "\u00a0kate.miller@example.com\ufeff",
  "kate.miller@ex\u00adample.com",
  "kate.miller@\uff45xample.com",
  "kate.miller@example\u3002com",
  "kate.miller@example\uff0ecom",
];

describe("look-alike addresses and addresses that differ only in case", () => {
  let nest: TestNest;
  let victim: Tokens;
  beforeAll(async () => {
    nest = await startNest();
    victim = await nest.signIn(VICTIM);
  });
  afterAll(() => nest.stop());

  test.each(LOOK_ALIKES)(
    "%j is refused or is another identity with its own mailbox",
    async (identifier_value) => {
      nest.ses.clear();
      const reply = await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value }));
      const [mail] = nest.ses.inbox;
      if (!mail) {
        expect({ status: reply.status, code: reply.body.code }).toEqual({
          status: 400,
          code: "invalid_email",
        });
        return;
      }
      expect(mail.to.toLowerCase()).not.toBe(VICTIM);
      expect(mail.to).toMatch(/^[\x21-\x7e]+$/);
      const { body } = await nest.redeem(codeIn(mail));
      expect(body.user_id).not.toBe(victim.user_id);
      const own = { user_id: body.user_id };
      const user = (await nest.call(`${V2}get_user`, own, { bearer: body.access_token })).body;
      expect(user.identifiers[0].identifier_value).toBe(mail.to.toLowerCase());
    },
  );

  test.each(SPELLINGS)("%j is the same identity, and its mail goes to the same mailbox", async (typed) => {
    nest.ses.clear();
    const again = await nest.signIn(typed);
    expect(again.user_id).toBe(victim.user_id);
    expect(nest.ses.inbox.map(({ to }) => to.toLowerCase())).toEqual([VICTIM]);
  });

  test("no attempt gives the victim a second address or anyone a second account", async () => {
    const identifiers = await nest.collection("identifiers").find().toArray();
    expect(identifiers.filter(({ userId }) => userId === victim.user_id)).toHaveLength(1);
    expect(new Set(identifiers.map(({ userId }) => userId)).size).toBe(identifiers.length);
  });
});
