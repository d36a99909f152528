import { expect, test } from "vitest";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import type { Redemption } from "#core/repositories/redeemable.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
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
const nothing = { authorizations: [], sessions: [], refreshTokens: [], mailEvents: [] };
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
    "the session was revoked: an operator revoked it",
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
