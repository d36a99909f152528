import { object } from "zod/mini";
import { asJson, levelOf } from "#adapters/static_backend/answers.ts";
import { adapterRoute } from "#entry/adapter_declaration.ts";
import { handler as getUser } from "#methods/2026-12-01/account/get_user.ts";

/** The user of the session, and the users of their account. */
export const accountRoutes = [
  adapterRoute({
    verb: "GET",
    path: "/me",
    summary: "Returns the user of the session.",
    method: getUser,
    credential: "session",
    request: object({}),
    fields: {},
    toMethod: () => ({}),
    answer:
      "`{accountId, userId, id, email, role}`. `role` is 100 for a platform administrator, 50 for the owner or an administrator of the account, else 0.",
    toAnswer: ({ id, account_id, email, role_key, roles }) =>
      asJson({ accountId: account_id, userId: id, id, email, role: levelOf(role_key, roles) }),
    errors: {},
  }),
];
