import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashSecret } from "#core/secrets.ts";
import { NAUGHTY } from "#tests/attacks/naughty.ts";
import { linksOf } from "#tests/support/mail_links.ts";
import {
  codeIn,
  exchange,
  linkIn,
  linkRequest,
  MAC,
  REDIRECT,
  startNest,
  type TestNest,
  V1,
  V2,
  VERIFIER,
} from "#tests/support/nest.ts";

/** Halves of surrogate pairs. They are not valid Unicode, and would be equal once stored. */
const ILL_FORMED = ["\ud800", "\udfff", "a\ud83dz", "\udc00\ud800", `${"x".repeat(511)}\ud83d`];

describe("naughty strings", () => {
  let nest: TestNest;
  let usualMarkup: string;
  const markupOf = (html: string) => html.replace(/[^<>"]/g, "");
  beforeAll(async () => {
    nest = await startNest();
    usualMarkup = markupOf((await nest.requestLink({ state: "s" })).html);
  });
  afterAll(() => nest.stop());

  test.each(NAUGHTY.map((text, index) => [index, text.slice(0, 24), text] as const))(
    "%i %j is mailed and stored unchanged as state, device and user agent",
    async (index, _shown, text) => {
      const device = { platform: "mac", beak_id: text, fingerprint: text };
      const identifier_value = `naughty${index}@example.com`;
      const mail = await nest.requestLink({ identifier_value, state: text, device });
      const url = linkIn(mail);
      expect([url.origin + url.pathname, url.searchParams.get("state")]).toEqual([REDIRECT, text]);
      expect(linksOf(mail).map((link) => new URL(link).href)).toEqual([url.href]);
      expect(markupOf(mail.html)).toBe(usualMarkup);

      const code = codeIn(mail);
      const [stored] = await nest
        .collection("authorizations")
        .find({ _id: code.split(".")[0] })
        .toArray();
      expect({ state: stored?.state, device: stored?.device }).toEqual({
        state: text,
        device: { platform: "mac", beakId: text, fingerprint: text },
      });
      const headers = { "user-agent": text };
      const { body: tokens } = await nest.redeem(code, {}, { headers });
      const own = { user_id: tokens.user_id };
      const [session] = (await nest.call(`${V2}list_sessions`, own, { bearer: tokens.access_token })).body;
      const hash = hashSecret(text);
      expect(session.device).toEqual({ platform: "mac", beak_id: hash, fingerprint: hash });
      const kept = await nest.collection("sessions").findOne({ _id: session.id });
      expect(kept?.userAgent).toBe(text.slice(0, 512));
    },
  );

  test("as a code challenge, each string matches no verifier, not even itself", async () => {
    for (const text of NAUGHTY) {
      const sent = await nest.call(`${V1}send_magic_link`, linkRequest({ code_challenge: text }));
      if ([...text].length > 128) {
        expect(sent.body.code, text).toBe("validation_failed");
        continue;
      }
      const code = codeIn(nest.lastMail());
      for (const code_verifier of [text, VERIFIER])
        expect((await nest.redeem(code, { code_verifier })).body.code).toBe("incorrect_code_verifier");
    }
  });

  const link = linkRequest();
  const redeem = exchange(`authzcode_none.${"0".repeat(64)}`);
  const refresh = { client_id: MAC, grant_type: "refresh_token" };
  const user = { user_id: "user_x" };
  test.each([
    [`${V1}send_magic_link`, "identifier_value", /^(invalid_email|validation_failed)$/, link],
    [`${V1}send_magic_link`, "client_id", /^client_not_found$/, link],
    [`${V1}send_magic_link`, "redirect_uri", /^invalid_redirect_uri$/, link],
    [`${V1}send_magic_link`, "code_challenge_method", /^validation_failed$/, link],
    [`${V1}send_magic_link`, "identifier_type", /^validation_failed$/, link],
    [`${V2}create_trial_and_magic_link`, "identifier_value", /^(invalid_email|validation_failed)$/, link],
    [`${V1}authenticate_user`, "grant_type", /^validation_failed$/, redeem],
    [`${V1}authenticate_user`, "code", /^(malformed_code|not_found)$/, redeem],
    [`${V1}authenticate_user`, "code_verifier", /^not_found$/, redeem],
    [`${V1}authenticate_user`, "client_id", /^not_found$/, redeem],
    [`${V1}authenticate_user`, "refresh_token", /^(malformed_refresh_token|not_found)$/, refresh],
    [`${V1}enrol_alpha_user`, "email", /^deprecated$/, {}],
    [`${V1}get_marketing_consent`, "user_id", /^not_found$/, {}],
    [`${V1}set_marketing_consent`, "user_id", /^not_found$/, { level: "none" }],
    [`${V1}set_marketing_consent`, "level", /^validation_failed$/, user],
    [`${V2}get_user`, "user_id", /^not_found$/, {}],
    [`${V2}get_subscription_status`, "user_id", /^no_active_subscription$/, {}],
    [`${V2}revoke_session`, "session_id", /^not_found$/, user],
    [`${V1}list_news_items`, "client_id", /^200$/, {}],
    [`${V2}list_sessions`, "user_id", /^200$/, {}],
    [`${V2}revoke_token`, "refresh_token", /^204$/, { client_id: MAC }],
    [`${V2}revoke_token`, "client_id", /^204$/, { refresh_token: "a.b.c" }],
  ])("%s: as %s each is %s, and nothing is stored or mailed", async (path, field, answer, body) => {
    const before = await nest.dump();
    nest.ses.clear();
    for (const text of NAUGHTY) {
      const reply = await nest.call(path, { ...body, [field]: text }, { internal: true });
      expect(reply.body?.code ?? String(reply.status), text).toEqual(expect.stringMatching(answer));
      expect(reply.raw).not.toMatch(/node_modules|\bat .*\.ts:\d/);
    }
    expect(nest.ses.inbox).toEqual([]);
    expect(await nest.dump()).toBe(before);
  });

  test("half a surrogate pair is validation_failed in every text field", async () => {
    const before = await nest.dump();
    for (const text of ILL_FORMED) {
      const device = { platform: "mac", beak_id: text, fingerprint: text };
      for (const change of [
        { state: text },
        { device },
        { code_challenge: text.slice(-100) },
        { client_id: text },
      ])
        expect((await nest.call(`${V1}send_magic_link`, linkRequest(change))).body.code).toBe(
          "validation_failed",
        );
      expect((await nest.redeem(`${text.slice(-9)}.x`)).body.code).toBe("validation_failed");
      const body = { user_id: text };
      expect((await nest.call(`${V2}get_user`, body, { internal: true })).body.code).toBe(
        "validation_failed",
      );
    }
    expect(await nest.dump()).toBe(before);
  });

  test("the log has one JSON object per line and none of the strings", () => {
    expect(nest.logLines.length).toBeGreaterThan(1000);
    for (const line of nest.logLines) {
      expect(line).not.toMatch(/[\u0000-\u001f\u2028\u2029]/);
      expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^(info|warn)$/) });
    }
    const log = nest.logLines.join("\n");
    for (const text of NAUGHTY.filter(({ length }) => length > 12)) expect(log).not.toContain(text);
  });
});
