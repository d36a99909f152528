/** Returns a user with every email address they have or had. */
import { array, nullable, strictObject, string } from "zod/mini";
import { NestError } from "#core/errors.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: text() });
export const response = strictObject({
  id: string(),
  created_at: string(),
  identifiers: array(
    strictObject({
      id: string(),
      identifier_type: string(),
      identifier_value: string(),
      created_at: string(),
      updated_at: nullable(string()),
      verified_at: nullable(string()),
      removed_at: nullable(string()),
    }),
  ),
});

export const handler = rpc({
  name: "get_user",
  version: "2021-10-06",
  summary: "Returns a user with every email address they have or had.",
  access: "own_user",
  request,
  response,
  errors: ["not_found"],
  async reads({ core, request: { user_id } }) {
    const [user, identifiers] = await Promise.all([
      core.users.find(user_id),
      core.identifiers.listByUser(user_id),
    ]);
    return { user, identifiers };
  },
  async run({ reads: { user, identifiers } }) {
    if (!user) throw new NestError("not_found");
    return {
      id: user._id,
      created_at: user.createdAt,
      identifiers: identifiers.map((identifier) => ({
        id: identifier._id,
        identifier_type: identifier.identifierType,
        identifier_value: identifier.identifierValue,
        created_at: identifier.createdAt,
        updated_at: identifier.updatedAt,
        verified_at: identifier.verifiedAt,
        removed_at: identifier.removedAt,
      })),
    };
  },
});
