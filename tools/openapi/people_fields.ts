import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string, example?: string | null) => FieldDocumentation;

const USER_ID = "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk";

/** The fields of `create_user` and of the methods that end a user. */
export const peopleFields = (
  timestamp: Timestamp,
  client: { clientId: string; redirectUri: string },
): Readonly<Record<string, FieldDocumentation>> => ({
  "delete_user.deleted_at": timestamp("When the user was deleted."),
  "create_user.identifier_type": {
    description: "`email`, or `phone` for a number that receives SMS.",
    example: "email",
    narrows: { enum: ["email", "phone"] },
  },
  "create_user.identifier_value": {
    description: "The email address, or the phone number with its country code, as typed.",
    example: "ada@example.com",
  },
  "create_user.client_id": {
    description:
      "The client whose page the link of the mail opens. Default: the client of the access token. Internal callers must send it.",
    example: client.clientId,
  },
  "create_user.name": { description: "What the user is called.", example: "Ada" },
  "create_user.roles": {
    description: "The keys of the user's platform roles. Callers give only roles that their own roles allow.",
    example: ["support"],
  },
  "create_user.redirect_uri": {
    description:
      "The page that the link of the mail opens. It must equal one of the client's redirect URIs exactly. Default: the first.",
    example: client.redirectUri,
  },
  "create_user.options": { description: "Which mail the person gets. An address gets one mail at most." },
  "create_user.options.send_email": {
    description: "A mail that tells the person of the account. Default: `false`.",
    example: true,
  },
  "create_user.options.send_reset_email": {
    description:
      "The mail has a link to choose a password, which works for 24 hours and also verifies the address. Default: `true` if the client lists the grant `password`.",
    example: false,
  },
  "create_user.options.verify_email": {
    description:
      "The mail has a link that verifies the address, unless it has a link to choose a password. Default: `false`.",
    example: true,
  },
  "create_user.user.id": { description: "The user's id.", example: USER_ID },
  "create_user.user.name": { description: "What the user is called; null: not known.", example: "Ada" },
  "create_user.user.created_at": timestamp("When the user was created."),
  "create_user.user.updated_at": timestamp(
    "When the user's own fields last changed; null if they never did.",
  ),
});
