import { MFA_FACTORS } from "#core/app/mfa_settings.ts";
import { RECOVERY_CODES } from "#core/mfa/recovery_codes.ts";
import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string, example?: string | null) => FieldDocumentation;

const FACTOR = "mfafac_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp";
/** A sample of `mfa_token`, which opens nothing. */
export const MFA_TOKEN =
  "mfachal_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys.5f1c0d9a7b3e8264af90d1c2b3a4958677e8f9a0b1c2d3e4f5061728394a5b6c";
const SEED = "<32 characters of base32>";
const HINT: FieldDocumentation = {
  description:
    "A part of the number or address, by which the person recognizes the factor: the end of the number, or the beginning and the domain of the address. Null for `totp` and `webauthn`.",
  example: "•••567",
};
const TYPE: FieldDocumentation = {
  description:
    "`totp`: an authenticator app (RFC 6238). `sms`: a code by SMS, which is weaker. `email`: a code by mail. `webauthn`: a passkey or security key. `mfa.factors` of the client in the app file lists the types that it offers.",
  example: "totp",
  narrows: { enum: [...MFA_FACTORS] },
};
const CODES: FieldDocumentation = {
  description: `${RECOVERY_CODES} codes, each of which takes the place of a factor once. They are shown once: the person must keep them. Null in the response to a second or later factor.`,
  example: ["7ZK3QH-V0M9TD-2XNB4R-8CEYJW"],
};

const ENROLMENT_TOKEN: FieldDocumentation = {
  description:
    "`meta.mfa_token` of the error `mfa_enrollment_required`, in place of an access token. It works for 10 minutes.",
  example: MFA_TOKEN,
};

/** The fields of one factor, wherever a method returns it. */
const factorAt = (path: string, timestamp: Timestamp): Readonly<Record<string, FieldDocumentation>> => ({
  [`${path}.id`]: { description: "The factor's id.", example: FACTOR },
  [`${path}.factor_type`]: TYPE,
  [`${path}.name`]: { description: "What the user calls it; null: nothing.", example: "My phone" },
  [`${path}.hint`]: { ...HINT, example: null },
  [`${path}.status`]: {
    description:
      "`pending`: its first code or passkey was not presented yet, and no sign-in requires the factor. `active`: sign-ins require a second factor.",
    example: "active",
    narrows: { enum: ["pending", "active"] },
  },
  [`${path}.created_at`]: timestamp("When the factor was created."),
  [`${path}.last_used_at`]: timestamp("When a sign-in last used it; null if none has.", null),
});

/** The fields of second factors. */
export const mfaFieldDocs = (timestamp: Timestamp): Readonly<Record<string, FieldDocumentation>> => ({
  factor_id: { description: "The factor's id.", example: FACTOR },
  factor_type: TYPE,
  mfa_token: {
    description:
      "`meta.mfa_token` of the error `mfa_required`, or `mfa_token` of `create_mfa_challenge`. It is no access token, works for 10 minutes, and allows five codes.",
    example: MFA_TOKEN,
  },
  "create_mfa_challenge.mfa_token": {
    description:
      "Send it with a factor to the grant `mfa`. It is no access token, works for 10 minutes, and allows five codes.",
    example: MFA_TOKEN,
  },
  "create_mfa_factor.mfa_token": ENROLMENT_TOKEN,
  "verify_mfa_factor.mfa_token": ENROLMENT_TOKEN,
  recovery_code: {
    description:
      "For `mfa`, in place of `factor_id` and `code`, or of `credential`: a recovery code, as the person typed it.",
    example: "7ZK3QH-V0M9TD-2XNB4R-8CEYJW",
  },
  recovery_codes: CODES,
  recovery_codes_left: {
    description: "How many recovery codes are left.",
    example: 9,
    narrows: { type: "integer", minimum: 0 },
  },
  "authenticate_user.recovery_codes_left": {
    description: "How many recovery codes are left. Only if the sign-in used one.",
    example: 9,
    narrows: { type: "integer", minimum: 0 },
  },
  hint: HINT,
  confirm: {
    description:
      "Whether the person agrees that the clients in `meta` of `mfa_confirmation_required` can no longer sign them in. Default: false.",
    example: true,
  },
  "create_mfa_factor.name": { description: "What the user calls it. Default: nothing.", example: "My phone" },
  "create_mfa_factor.phone_number": {
    description: "For `sms`, required: the number with its country code.",
    example: "+6591234567",
  },
  "create_mfa_factor.secret": {
    description:
      "For `totp`: the secret, which the person can type into an authenticator app in place of scanning `qr_code`. Else null.",
    example: SEED,
  },
  "create_mfa_factor.hint": { ...HINT, example: null },
  otpauth_uri: {
    description: "For `totp`: the URI that opens an authenticator app on the same device. Else null.",
    example:
      "otpauth://totp/Acme:ada%40example.com?issuer=Acme&secret=<secret>&algorithm=SHA1&digits=6&period=30",
  },
  qr_code: {
    description: "For `totp`: `otpauth_uri` as a QR code, a data URI of a PNG picture. Else null.",
    example: "data:image/png;base64,<picture>",
  },
  "create_mfa_factor.expires_at": timestamp("Until when the factor can be verified: for 15 minutes."),
  "verify_mfa_factor.code": {
    description: "The six digits that the app shows, or that were sent. For `webauthn`, send `credential`.",
    example: "492039",
  },
  "verify_mfa_factor.factor": { description: "The factor." },
  ...factorAt("verify_mfa_factor.factor", timestamp),
  "list_mfa_factors.items": { description: "The factors that were not removed, the oldest first." },
  ...factorAt("list_mfa_factors.items[]", timestamp),
  "create_mfa_challenge.expires_at": timestamp("Until when a factor can be presented: for 10 minutes."),
  "create_mfa_challenge.factors": {
    description: "The factors that can be presented. A recovery code can be presented as well.",
  },
  "create_mfa_challenge.factors[].id": { description: "The factor's id.", example: FACTOR },
  "create_mfa_challenge.factors[].factor_type": TYPE,
  "create_mfa_challenge.factors[].hint": { ...HINT, example: null },
  "send_mfa_code.expires_at": timestamp("Until when the code works: as long as `mfa_token`."),
  "remove_mfa_factor.removed_at": timestamp("When the factor was removed."),
});
