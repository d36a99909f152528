import { describe, expect, test } from "vitest";
import { request as createAccount } from "#methods/2026-12-01/accounts/create_account.ts";
import { request as updateAccount } from "#methods/2026-12-01/accounts/update_account.ts";
import { request as createFactor } from "#methods/2026-12-01/mfa/create_mfa_factor.ts";
import { request as setRole } from "#methods/2026-12-01/roles/set_role.ts";
import { request as registerUser } from "#methods/2026-12-01/sign_in/register_user.ts";
import { request as createUser } from "#methods/2026-12-01/users/create_user.ts";
import { request as updateUser } from "#methods/2026-12-01/users/update_user.ts";

const BAD = ["\u0000", "\u001b[2J", "\u007f", "\u009b2J", "a\tb", "a\nb", "a\u2028b", "a\u2029b", "\ud800"];
const GOOD = ["O'Neil", "日本語", "مرحبا", "👩‍👧 key"];
const target = { identifier_type: "email", identifier_value: "ada@example.com" } as const;

const named = [
  ["create_mfa_factor", "name", createFactor, { factor_type: "totp" }],
  ["create_user", "name", createUser, target],
  ["update_user", "name", updateUser, {}],
  ["register_user", "name", registerUser, null],
  ["register_user", "account_name", registerUser, null],
  ["create_account", "name", createAccount, {}],
  ["update_account", "name", updateAccount, {}],
  ["set_role", "name", setRole, { key: "editor", capabilities: [] }],
] as const;

describe("a name", () => {
  test.each(named)(
    "%s refuses control characters in %s, and takes every script",
    (_method, field, request, body) => {
      const refusals = (name: string) => {
        const parsed = request.safeParse({ ...body, [field]: name });
        return (parsed.error?.issues ?? [])
          .filter(({ path }) => path[0] === field)
          .map(({ message }) => message);
      };
      for (const name of BAD) expect(refusals(name), JSON.stringify(name)).toHaveLength(1);
      for (const name of GOOD) expect(refusals(name), name).toEqual([]);
    },
  );
});
