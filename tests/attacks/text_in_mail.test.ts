import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { magicLinkUrl } from "#core/sign_in/link_url.ts";
import { linkIn, linkRequest, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";

/** The Generic Test for Unsolicited Bulk Email: a spam filter rejects every mail that contains it. */
const GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

const TEXTS = [
  GTUBE,
  "Your account is locked. Call 0800 123456 now!",
  "YOUR_ACCOUNT_IS_LOCKED-CALL-0800-123456-OR-WRITE-TO-US-AT-ONCE-x1",
  "www.evil.example/sign-in",
  "ends.",
  "ends!",
  "ends)",
  "ends'",
  "a(b)*c'!~.",
  "Ihr Konto ist gesperrt \u2013 \u304a\u96fb\u8a71\u304f\u3060\u3055\u3044",
];

describe("a stranger's text in the state of a link", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());
  beforeEach(() => nest.ses.clear());

  let machines = 0;
  const methods: [string, string][] = [
    ["send_magic_link", `${V1}send_magic_link`],
    ["create_trial_and_magic_link", `${V2}create_trial_and_magic_link`],
  ];
  describe.each(methods)("of %s", (_name, path) => {
    test.each(TEXTS)("%j can't be read in the mail, and the app gets it unchanged", async (state) => {
      machines++;
      const device = { platform: "mac", beak_id: `mac-${machines}`, fingerprint: `print-${machines}` };
      const identifier_value = `reader${machines}@example.com`;
      const request = linkRequest({ state, identifier_value, device });
      expect((await nest.call(path, request)).status).toBe(204);
      const mail = nest.lastMail();
      expect(linkIn(mail).searchParams.get("state")).toBe(state);
      const read = new RegExp(`state=(?:%[0-9A-F]{2}){${Buffer.byteLength(state)}}(?:&flow=trial)?$`, "m");
      expect(mail.text).toMatch(read);
      const url = linkIn(mail).href;
      for (const part of [mail.subject, mail.text, mail.html]) {
        const rest = part.replaceAll(url, "").replaceAll(url.replaceAll("&", "&amp;"), "");
        expect(rest).not.toContain("state=");
        expect(rest).not.toContain(state);
      }
    });
  });

  test("can't make a spam filter return the victim's mail: no part of GTUBE is in it", async () => {
    const mail = await nest.requestLink({ state: GTUBE });
    for (const part of [mail.html, mail.text]) {
      expect(part).not.toContain("GTUBE");
      expect(decodeURIComponent(part.replace(/%(?![0-9A-F]{2})/g, "%25"))).toContain(GTUBE);
    }
  });
});

test("every state is in the URL as a plain token or with every byte percent-encoded, and decodes unchanged", () => {
  const parts = { redirectUri: "https://magic.getbeak.app/", code: "a.b", isInternal: false, isTrial: false };
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 1024, unit: "binary" }), (state) => {
      const url = magicLinkUrl({ ...parts, state });
      expect(new URL(url).searchParams.get("state")).toBe(state);
      expect(url.split("&state=")[1]).toMatch(/^(?:(?:%[0-9A-F]{2})+|[A-Za-z0-9_-]{1,64})$/);
    }),
    { seed: seedOf("states in links") },
  );
});
