import { boolean, nullable, enum as oneOf, strictObject, string } from "zod/mini";
import { MFA_FACTORS } from "#core/app/mfa_settings.ts";
import { hintOf } from "#core/mfa/offered_factors.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";

/** The types of a second factor, in a request. */
export const factorType = oneOf(MFA_FACTORS);

/** The fields of a second factor on the wire. */
export const factorFields = strictObject({
  id: string(),
  factor_type: string(),
  name: nullable(string()),
  hint: nullable(string()),
  backed_up: nullable(boolean()),
  status: string(),
  created_at: string(),
  last_used_at: nullable(string()),
});

/** Translates a second factor to wire names. */
export const factorToWire = ({ _id, identifierValue, ...factor }: MfaFactor) => ({
  id: _id,
  factor_type: factor.factorType,
  name: factor.name,
  hint: identifierValue === undefined ? null : hintOf(identifierValue),
  backed_up: factor.passkey?.isBackedUp ?? null,
  status: factor.status,
  created_at: factor.createdAt,
  last_used_at: factor.lastUsedAt,
});
