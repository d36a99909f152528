import { describe, expect, test } from "vitest";
import { isAutomatic, sayWhat } from "#tools/console/page/audit_words.ts";
import {
  describeKept,
  describeMail,
  describePayment,
  describeReturn,
  endOf,
  priceOf,
  type Subscription,
  stateOf,
} from "#tools/console/page/billing_words.ts";
import { describeAttempt, describeDelivery } from "#tools/console/page/delivery_words.ts";
import { methodsOf, programOf } from "#tools/console/page/devices.ts";
import {
  blockedStatus,
  describeBlock,
  describePassword,
  foldRedeemed,
  markOf,
} from "#tools/console/page/history_words.ts";

const at = "2026-03-01T12:00:00.000Z";

test.each([
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
    "Safari on iPhone",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Chrome on Mac",
  ],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"],
  ["Beak/4.2 (Windows NT 10.0; Win64; x64)", "Beak 4.2 on Windows"],
  ["node", "node"],
  ["", ""],
])("names the program of %s", (agent, name) => {
  expect(programOf(agent)).toBe(name);
});

test("names what a session started with, and keeps names that it does not know", () => {
  expect(methodsOf(["pwd", "later"])).toBe("a password and later");
  expect(methodsOf(["link", "sms", "mfa"])).toBe("a magic link and a code by SMS");
  expect(methodsOf(["fed", "pop", "mfa"])).toBe("an account at a provider and a passkey");
});

describe("a webhook delivery", () => {
  const ok = { at, status: 204, error: null, duration_ms: 5 };
  const refused = { at, status: 500, error: "status", duration_ms: 12 } as const;
  test("tells the answer of the receiver, or why there was none", () => {
    expect(describeAttempt(refused)).toBe("The receiver answered 500, after 12 ms");
    expect(describeAttempt({ ...refused, status: null, error: "timeout" })).toBe(
      "The receiver did not answer in time, after 12 ms",
    );
  });
  test.each([
    ["succeeded", [ok], "Arrived"],
    ["succeeded", [refused, refused, ok], "Arrived after 2 failed attempts"],
    ["pending", [refused], "Did not arrive yet, after 1 failed attempt"],
    ["failed", [refused], "Did not arrive, after 1 failed attempt. Nest tries no more"],
    ["abandoned", [], "Not sent: the webhook was disabled or deleted"],
  ] as const)("that %s with attempts %# says so", (status, attempts, words) => {
    expect(describeDelivery({ status, attempts: [...attempts] })).toBe(words);
  });
});

describe("a subscription", () => {
  const one: Subscription = {
    ...{ id: "sub_1", plan: "beak", price: { unit_amount: 499, currency: "gbp", interval: "month" } },
    ...{ is_trial: false, status: "active", is_current: true, created_at: at, start_date: at, end_date: at },
    ...{ cancel_at: null, cancelled_at: null, rejected_at: null, rejected_as: null, kept_id: null },
    ...{ dispute_status: null, returns: [], mails: [] },
  };
  const refund: Subscription["returns"][number] = {
    ...{ amount: 499, currency: "gbp", to: "payment_method", source: "ch_1", reason: "duplicate" },
    ...{ status: "done", planned_at: at, returned_at: at, id: "re_1", failure: null },
  };
  const duplicate = {
    is_current: false,
    status: "canceled",
    rejected_at: at,
    rejected_as: "duplicate",
  } as const;
  test.each([
    [{}, "Active", "Renews on"],
    [{ cancel_at: at }, "Ends on 1 Mar 2026", "Ends on, does not renew"],
    [{ status: "trialing", is_trial: true }, "Trial", "Trial ends on, then renews"],
    [{ status: "canceled", is_trial: true, is_current: false }, "Trial ended", "Ended on"],
    [{ status: "past_due" }, "Past due", "Access until"],
    [{ status: "past_due", is_current: false }, "Past due, no access", "Access ended on"],
    [{ ...duplicate, returns: [refund] }, "Duplicate, refunded", "Ended on"],
    [
      { ...duplicate, returns: [{ ...refund, status: "pending" as const }] },
      "Duplicate, refund not done",
      "Ended on",
    ],
  ])("with %j says what it is and what its end date means", (change, state, end) => {
    const subscription: Subscription = { ...one, ...change };
    expect([stateOf(subscription).text, endOf(subscription)]).toEqual([state, end]);
  });
  test("that ends or was rejected says when, what was kept, which refund failed and which mails were sent", () => {
    expect(describeKept({ kept_id: "sub_1" }, [one])).toBe("beak, bought on 1 Mar 2026");
    expect(describeKept({ kept_id: "sub_2" }, [one])).toBe("sub_2");
    expect(describeReturn({ ...refund, status: "failed", failure: "declined" })).toBe(
      "Refund of £4.99 as a duplicate failed on 1 Mar 2026 (declined). The user did not get the money: an administrator must send it in another way.",
    );
    expect(describeMail({ kind: "duplicate", sent_at: at })).toBe(
      "the mail that says that this subscription is a duplicate was sent on 1 Mar 2026",
    );
    expect(describeMail({ kind: "welcome", sent_at: null })).toBe("the welcome mail waits to be sent");
  });
  test("says what it costs, and what was refunded why", () => {
    expect(priceOf(one)).toBe("£4.99 each month");
    expect(describeReturn(refund)).toBe(
      "Refund of £4.99 as a duplicate: done on 1 Mar 2026. Banks take 5 to 10 days to show it.",
    );
    const payment = { id: "re_1", type: "refund", amount: -499, currency: "gbp", created_at: at } as const;
    expect(describePayment({ ...payment, status: "succeeded", reason: "duplicate" })).toBe(
      "Refunded as a duplicate: £4.99",
    );
  });
});

describe("the history", () => {
  const event = (code: string, about: string, text: string) => ({
    code,
    at,
    about,
    text,
    user_agent: null,
    user_id: null,
  });
  test("makes one row of a request and its redemption, and keeps requests that were not redeemed", () => {
    const folded = foldRedeemed([
      event("code_expired", "verif_2", "the message expired unused"),
      event("code_redeemed", "verif_1", "redeemed the code or the link of the message"),
      event("code_requested", "verif_2", "requested a message to sign in"),
      event("code_requested", "verif_1", "requested a message to sign in"),
    ]);
    expect(folded.map(({ text }) => text)).toEqual([
      "the message expired unused",
      "requested a message to sign in, and redeemed it",
      "requested a message to sign in",
    ]);
  });
  test.each([
    ["session_user_disabled", "Signed out"],
    ["session_refreshed", undefined],
    ["session_expired", "Signed out"],
    ["user.sign_in_failed", "Refused"],
    ["step_up_failed", "Refused"],
    ["code_replaced", "Not used"],
    ["signed_in", undefined],
  ])("marks %s as %s", (code, text) => {
    expect(markOf({ code })?.text).toBe(text);
  });
  test("says what blocks a user, about which address, and what to do", () => {
    const locked = { code: "password_locked", text: "the password is locked", until: null } as const;
    expect(describeBlock(locked, null)).toBe(
      "The password is locked. Ask the user to reset the password in the app.",
    );
    const refused = { code: "mail_suppressed", text: "no mail is sent", until: at } as const;
    expect(describeBlock(refused, "ada@example.com")).toBe(
      "ada@example.com: no mail is sent. This ends by itself at 1 Mar 2026, 12:00:00 UTC. Ask the user for another address, or whether the mailbox is full.",
    );
  });
  test("names one status of a user and one of the password, which agree with what blocks them", () => {
    const locked = { code: "password_locked", until: null } as const;
    const paused = { code: "passwords_paused", until: at } as const;
    expect([blockedStatus([]), blockedStatus([locked]), blockedStatus([paused])]).toEqual([
      null,
      "Active, password locked",
      "Active, passwords paused",
    ]);
    expect([[], [locked], [paused]].map((blocks) => describePassword(true, blocks))).toEqual([
      "Set",
      "Locked: links, codes, passkeys and linked accounts still work",
      "Paused until 1 Mar 2026, 12:00:00 UTC",
    ]);
    expect(markOf({ code: "second_factor_missing" })).toEqual({ tone: "bad", text: "Not signed in" });
    expect(describePassword(false, [])).toBe("None: signs in by link, code, passkey or linked account");
  });
});

test.each([
  ["user.updated", { fields: "name status" }, null, "User changed: name, made active"],
  [
    "user.sign_in_failed",
    { cause: "locked" },
    "invalid_credentials",
    "Sign-in refused: the password is locked after 100 wrong ones, until the user sets a new one",
  ],
  [
    "user.sign_in_failed",
    { authorizationId: "verif_1" },
    "verification_not_found",
    "Sign-in refused: the code was wrong, used, expired or replaced",
  ],
  ["user.signed_in", { grant: "webauthn" }, null, "Signed in: with a passkey"],
  [
    "user.signed_in",
    { grant: "authorization_code" },
    null,
    "Signed in: with a magic link, or an account at a provider",
  ],
  ["user.disabled", {}, null, "User disabled"],
  [
    "user.sign_in_failed",
    { authorizationId: "mfachal_1", purpose: "step_up" },
    "mfa_failed",
    "Second factor of a session refused: the code of the second factor, or the recovery code, was wrong or used",
  ],
  [
    "user.sign_in_failed",
    { authorizationId: "verif_1", cause: "disabled" },
    "verification_not_found",
    "Sign-in refused: the user was disabled",
  ],
  [
    "identifier.removed",
    { identifierType: "email", reason: "password_reset" },
    null,
    "Address or number removed: an email address. Nest removed it, because it was not verified when the password was reset",
  ],
] as const)("says what a row of %s with %j records", (action, data, error_code, words) => {
  const target = { type: "user", id: "user_1" } as const;
  expect(sayWhat({ action, data: data as Record<string, string>, error_code, target })).toBe(words);
});

test("names roles and addresses in rows of the audit log, also those that Nest removed by itself", () => {
  const names = {
    role: (id: string) => (id === "role_1" ? "Night desk (night_desk)" : id),
    address: (id: string) => (id === "userident_1" ? "ada@example.com" : undefined),
  };
  const row = { error_code: null, target: { type: "identifier", id: "userident_1" } as const };
  const changed = { ...row, action: "user.roles_changed", data: { added: "role_1 support", removed: "" } };
  expect(sayWhat(changed, names)).toBe("Roles changed: got Night desk (night_desk), support");
  const removed = { ...row, action: "identifier.removed", data: { identifierType: "email" } };
  expect([sayWhat(removed, names), isAutomatic(removed)]).toEqual([
    "Address or number removed: ada@example.com",
    false,
  ]);
  const dropped = { ...removed, data: { identifierType: "email", reason: "address_proved" } };
  expect([sayWhat(dropped, names), isAutomatic(dropped)]).toEqual([
    "Address or number removed: ada@example.com. Nest removed it, because somebody added it before the user's own address was verified",
    true,
  ]);
});
