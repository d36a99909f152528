import { expect, test } from "vitest";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import type { MfaChallenge } from "#core/repositories/mfa_challenges.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { listSignInEvents } from "#core/sessions/sign_in_history.ts";

const minute = (number: number) => new Date(Date.UTC(2026, 5, 1, 12, number)).toISOString();
const clock = { now: () => new Date(minute(30)) };
const link = (change: Partial<Authorization>) =>
  ({
    _id: "authzcode_1",
    createdAt: minute(0),
    expiresAt: minute(20),
    usedAt: null,
    revokedAt: null,
    failedRedemptions: 0,
    device: null,
    ...change,
  }) as Authorization;
const session = (change: Partial<Session>) =>
  ({
    _id: "session_1",
    clientId: "client_1",
    rootGrant: { type: "authorization_code", value: "authzcode_1" },
    createdAt: minute(0),
    lastUsedAt: minute(5),
    expiresAt: minute(60),
    revokedAt: null,
    revokedReason: null,
    generation: 1,
    acknowledgedGeneration: 0,
    device: null,
    ...change,
  }) as Session;
const nothing = {
  recoveryCodes: [],
  ...{ auditLogs: [], authorizations: [], identifiers: [], mailEvents: [], mfaChallenges: [] },
  ...{ refreshTokens: [], sessions: [], verifications: [] },
};
const verification = (change: Partial<Verification>) =>
  ({
    ...{ _id: "verif_1", purpose: "sign_in", attempts: 0, createdAt: minute(0), expiresAt: minute(10) },
    ...{ usedAt: null, revokedAt: null },
    ...change,
  }) as Verification;
const redemption = (startedAt: string) => ({ startedAt }) as Redemption;
const mac = { platform: "mac", beakId: "b", fingerprint: "f" } as const;

test.each<[string, Partial<Authorization>, [string, string][]]>([
  [
    "unused",
    { device: mac },
    [
      [minute(20), "the link expired unused"],
      [minute(0), "requested a magic link on mac"],
    ],
  ],
  [
    "redeemed",
    { usedAt: minute(1), redemption: redemption(minute(1)) },
    [
      [minute(1), "redeemed the link"],
      [minute(0), "requested a magic link"],
    ],
  ],
  [
    "redeemed twice",
    { usedAt: minute(1), redemption: redemption(minute(2)) },
    [
      [minute(2), "redeemed the link again, because the first response did not arrive"],
      [minute(1), "redeemed the link"],
      [minute(0), "requested a magic link"],
    ],
  ],
  [
    "revoked",
    { revokedAt: minute(3) },
    [
      [minute(3), "the link was revoked: another link signed this address in"],
      [minute(0), "requested a magic link"],
    ],
  ],
  [
    "blocked",
    { failedRedemptions: 10, expiresAt: minute(40) },
    [
      [minute(0), "requested a magic link"],
      [
        minute(0),
        "failed to redeem the link 10 times: it was not opened on the device that requested it; the link is blocked now",
      ],
    ],
  ],
])("lists the events of a link that was %s, newest first", (_how, change, expected) => {
  const events = listSignInEvents({ clock }, { ...nothing, authorizations: [link(change)] });
  expect(events.map(({ at, what }) => [at, what])).toEqual(expected);
});

test.each<[string, Partial<Session>, string]>([
  ["started", { device: mac }, "signed in on mac with client_1"],
  ["expired", { expiresAt: minute(29) }, "the session expired"],
  [
    "was revoked by an operator",
    { revokedAt: minute(9), revokedReason: "revoked_by_operator" },
    "the session was revoked: an administrator ended it",
  ],
  [
    "was refreshed twice, and the new tokens were used",
    { generation: 3, acknowledgedGeneration: 3 },
    "refreshed the session 2 times, last at this time",
  ],
  [
    "was refreshed, and the new tokens were not used",
    { generation: 2, acknowledgedGeneration: 1 },
    "refreshed the session once, last at this time; the new tokens have not been used yet",
  ],
])("lists that a session %s", (_what, change, expected) => {
  const [newest] = listSignInEvents({ clock }, { ...nothing, sessions: [session(change)] });
  expect(newest?.what).toBe(expected);
});

test("counts new tokens as used once their refresh token was used", () => {
  const token = { sessionId: "session_1", generation: 2, usedAt: minute(6) } as RefreshToken;
  const account = { ...nothing, sessions: [session({ generation: 2 })], refreshTokens: [token] };
  expect(listSignInEvents({ clock }, account)[0]?.what).toBe("refreshed the session once, last at this time");
});

test("lists a returned mail with its effect", () => {
  const bounce = {
    occurredAt: minute(1),
    messageId: "m1",
    type: "Bounce",
    subType: "General",
    isPermanent: true,
  };
  const events = listSignInEvents({ clock }, { ...nothing, mailEvents: [bounce as unknown as MailEvent] });
  expect(events).toEqual([
    {
      code: "mail_returned",
      at: minute(1),
      about: "m1",
      what: "a mail was returned: Bounce (General); no mail is sent to this address for 24 hours",
    },
  ]);
});

test("names the user who asked for a message to verify an address of their own", () => {
  const of = (purpose: Verification["purpose"]) => {
    const verifications = [verification({ purpose, userId: "user_1" })];
    return listSignInEvents({ clock }, { ...nothing, verifications }).find(
      ({ code }) => code === "code_requested",
    )?.userId;
  };
  expect([of("verify_identifier"), of("reset_password")]).toEqual(["user_1", undefined]);
});

const requested: [string, string] = [minute(0), "requested a message to sign in"];
test.each<[string, Partial<Verification>, [string, string][]]>([
  ["expired", {}, [[minute(10), "the message expired unused"], requested]],
  [
    "was redeemed after a wrong code",
    { usedAt: minute(2), attempts: 2 },
    [
      [minute(2), "redeemed the code or the link of the message"],
      [minute(2), "wrong codes were presented: 1"],
      requested,
    ],
  ],
  [
    "was replaced",
    { revokedAt: minute(3) },
    [[minute(3), "a later message, or a change of address or password, replaced the message"], requested],
  ],
  [
    "was redeemed before a change of the user ended all messages",
    { usedAt: minute(2), revokedAt: minute(3), attempts: 1 },
    [[minute(2), "redeemed the code or the link of the message"], requested],
  ],
  [
    "had five wrong codes",
    { attempts: 5, expiresAt: minute(40) },
    [requested, [minute(0), "5 wrong codes were presented; no other is accepted"]],
  ],
])("lists the events of a code that %s", (_how, change, expected) => {
  const events = listSignInEvents({ clock }, { ...nothing, verifications: [verification(change)] });
  expect(events.map(({ at, what }) => [at, what])).toEqual(expected);
});

const challenge = { _id: "mfachal_1", purpose: "sign_in", createdAt: minute(1), attempts: 0, usedAt: null };
test.each<[string, Partial<MfaChallenge>, string[]]>([
  [
    "waits for the second factor",
    { expiresAt: minute(31) },
    ["the first factor was right, the second factor was not presented yet"],
  ],
  [
    "got no second factor",
    { expiresAt: minute(11) },
    ["the first factor was right, the second factor was not presented, so the sign-in failed"],
  ],
  [
    "got only wrong second factors",
    { expiresAt: minute(11), attempts: 2 },
    ["the first factor was right, no correct second factor was presented, so the sign-in failed"],
  ],
  [
    "needs a factor that the user does not have",
    { expiresAt: minute(11), purpose: "enrol" },
    ["the first factor was right, but the client requires a second factor and the user had none"],
  ],
  ["got the second factor", { expiresAt: minute(11), usedAt: minute(2) }, []],
  ["belongs to a step-up", { expiresAt: minute(11), purpose: "step_up" }, []],
])("says what a sign-in lacks that %s", (_how, change, expected) => {
  const mfaChallenges = [{ ...challenge, ...change } as MfaChallenge];
  const events = listSignInEvents({ clock }, { ...nothing, mfaChallenges });
  expect(events.map(({ what }) => what)).toEqual(expected);
  expect(events.every(({ at, about }) => at === minute(1) && about === "mfachal_1")).toBe(true);
});

test("lists a missing second factor above the redemption of the same moment", () => {
  const mfaChallenges = [{ ...challenge, expiresAt: minute(31) } as MfaChallenge];
  const used = verification({ usedAt: minute(1), attempts: 1 });
  const events = listSignInEvents({ clock }, { ...nothing, mfaChallenges, verifications: [used] });
  expect(events.slice(0, 2).map(({ code }) => code)).toEqual(["second_factor_missing", "code_redeemed"]);
});

test("says which links and codes of a disabled user were sent but can't sign in, and which were correct but refused", () => {
  const refusalOf = (authorizationId: string, at: string, errorCode: string) =>
    ({
      ...{ action: "user.sign_in_failed", occurredAt: at, errorCode, target: { type: "user", id: "user_1" } },
      data: { authorizationId, cause: "disabled" },
    }) as unknown as AuditLog;
  const used = { usedAt: minute(4), redemption: redemption(minute(4)) };
  const events = listSignInEvents(
    { clock },
    {
      ...{ ...nothing, disabledAt: minute(2) },
      authorizations: [link(used), link({ _id: "authzcode_2", createdAt: minute(3), expiresAt: minute(40) })],
      verifications: [verification({ attempts: 2, createdAt: minute(5), expiresAt: minute(40) })],
      auditLogs: [
        refusalOf("authzcode_1", minute(4), "authorization_not_found"),
        refusalOf("verif_1", minute(6), "verification_not_found"),
      ],
    },
  );
  const canSignNobodyIn = "it was sent, but signs nobody in, because the user is disabled";
  expect(events.map(({ at, what }) => [at, what])).toEqual([
    [minute(6), "a sign-in failed: the user was disabled (verification_not_found)"],
    [minute(5), `requested a message to sign in; ${canSignNobodyIn}`],
    [minute(5), "wrong codes were presented: 1"],
    [minute(4), "a sign-in failed: the user was disabled (authorization_not_found)"],
    [minute(3), `requested a magic link; ${canSignNobodyIn}`],
    [minute(0), "requested a magic link"],
  ]);
});

test("lists the redemption of a link that was refused first, and redeemed when the user was active again", () => {
  const refusal = {
    ...{ action: "user.sign_in_failed", occurredAt: minute(4), errorCode: "authorization_not_found" },
    ...{ target: { type: "user", id: "user_1" } },
    data: { authorizationId: "authzcode_1", cause: "disabled" },
  } as unknown as AuditLog;
  const again = link({ usedAt: minute(4), redemption: redemption(minute(8)) });
  const events = listSignInEvents({ clock }, { ...nothing, authorizations: [again], auditLogs: [refusal] });
  expect(events.map(({ at, code }) => [at, code])).toEqual([
    [minute(8), "link_redeemed"],
    [minute(4), "user.sign_in_failed"],
    [minute(0), "link_requested"],
  ]);
});

test("lists an event of the audit log once, while its document still carries it", () => {
  const target = { type: "identifier", id: "userident_1" } as const;
  const event = { id: "event_1", type: "identifier.verified", at: minute(1), target } as StoredEvent;
  const stored = { action: event.type, occurredAt: event.at, target, errorCode: null, data: {} };
  const row = stored as unknown as AuditLog;
  const identifiers = [{ events: [event] } as Identifier];
  const expected = {
    ...{ code: "identifier.verified", at: minute(1), about: "userident_1" },
    what: "an address or a phone number was verified",
  };
  for (const auditLogs of [[], [row]])
    expect(listSignInEvents({ clock }, { ...nothing, identifiers, auditLogs })).toEqual([expected]);
});

test.each<[string, Pick<AuditLog, "errorCode" | "data">, string]>([
  [
    "a code",
    { errorCode: "verification_not_found", data: {} },
    "the code was wrong, used, expired or replaced (verification_not_found)",
  ],
  [
    "a second factor",
    { errorCode: "mfa_failed", data: { authorizationId: "mfachal_1" } },
    "the code of the second factor, or the recovery code, was wrong or used (mfa_failed)",
  ],
  [
    "a wrong password",
    { errorCode: "invalid_credentials", data: { grant: "password", cause: "wrong" } },
    "the password was wrong (invalid_credentials)",
  ],
  [
    "a locked password",
    { errorCode: "invalid_credentials", data: { grant: "password", cause: "locked" } },
    "the password is locked after 100 wrong ones, until the user sets a new one (invalid_credentials)",
  ],
  [
    "a password that an earlier version refused",
    { errorCode: "invalid_credentials", data: { grant: "password" } },
    "the password was wrong or is locked, or the user has none (invalid_credentials)",
  ],
])("names the cause of a sign-in that failed with %s", (_what, change, expected) => {
  const target = { type: "user", id: "user_1" } as const;
  const row = { action: "user.sign_in_failed", occurredAt: minute(1), target, ...change } as AuditLog;
  expect(listSignInEvents({ clock }, { ...nothing, auditLogs: [row] })[0]?.what).toBe(
    `a sign-in failed: ${expected}`,
  );
});
