import { describe, expect, test } from "vitest";
import {
  judgeRegistration,
  messagesOf,
  type RegistrationOptions,
} from "#core/sign_in/registration/judge_registration.ts";

const NOW = new Date("2026-12-01T12:00:00.000Z");
const secondsAgo = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();

const ADDRESSES = {
  "a new address": null,
  "a proved address": { verifiedAt: secondsAgo(9) },
  "an address that was claimed and not proved": { verifiedAt: null },
  "an address whose registration runs": { verifiedAt: null, registration: { startedAt: secondsAgo(4) } },
  "an address whose registration failed": {
    verifiedAt: null,
    registration: { startedAt: secondsAgo(1), hasFailed: true as const },
  },
  "an address whose registration stopped": { verifiedAt: null, registration: { startedAt: secondsAgo(6) } },
  "an address that was proved after its registration stopped": {
    verifiedAt: secondsAgo(1),
    registration: { startedAt: secondsAgo(6) },
  },
};

describe("what a registration does", () => {
  test.for<[keyof typeof ADDRESSES, immediate: string, verifyFirst: string]>([
    ["a new address", "create", "send_code"],
    ["a proved address", "refuse", "tell_owner"],
    ["an address that was claimed and not proved", "refuse", "send_code"],
    ["an address whose registration runs", "refuse", "send_code"],
    ["an address whose registration failed", "resume", "send_code"],
    ["an address whose registration stopped", "resume", "send_code"],
    ["an address that was proved after its registration stopped", "refuse", "tell_owner"],
  ])("for %s: %s at once, %s if the address is proved first", ([address, immediate, verifyFirst]) => {
    const found = ADDRESSES[address];
    expect(judgeRegistration({ registrationMode: "immediate" }, found, NOW)).toBe(immediate);
    expect(judgeRegistration({ registrationMode: "verify_first" }, found, NOW)).toBe(verifyFirst);
  });
});

describe("what follows a registration", () => {
  const NONE: RegistrationOptions = {
    ...{ sendEmail: false, sendSms: false, sendResetEmail: false, verifyEmail: false },
  };
  const ALL: RegistrationOptions = {
    ...{ sendEmail: true, sendSms: true, sendResetEmail: true, verifyEmail: true },
  };
  test.for<[options: RegistrationOptions, hasPassword: boolean, isMail: boolean, messages: string[]]>([
    [NONE, false, true, []],
    [ALL, false, true, ["welcome_mail", "welcome_sms", "reset_mail"]],
    [ALL, true, true, ["welcome_mail", "welcome_sms"]],
    [ALL, false, false, ["welcome_sms"]],
    [{ ...NONE, sendResetEmail: true }, false, true, ["reset_mail"]],
    [{ ...NONE, sendResetEmail: true }, true, true, []],
  ])("with the options %j, password %s, address %s: %j", ([options, hasPassword, isMail, messages]) => {
    expect(messagesOf(options, { hasPassword, isMail })).toEqual(messages);
  });
});
