import { nullable, number, strictObject, string } from "zod/mini";
import type { AccountOfUser } from "#core/members/accounts.ts";

/** The fields of an account on the wire. */
export const accountFields = strictObject({
  id: string(),
  name: nullable(string()),
  role: number(),
  role_key: nullable(string()),
  created_at: string(),
});

/** Translates an account to wire names. */
export const accountToWire = ({ account, rights }: AccountOfUser) => ({
  id: account._id,
  name: account.name,
  role: rights.level,
  role_key: rights.roleKey,
  created_at: account.createdAt,
});
