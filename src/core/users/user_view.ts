import {
  array,
  boolean,
  extend,
  nullable,
  optional,
  record,
  refine,
  regex,
  strictObject,
  string,
} from "zod/mini";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { rolesOf } from "#core/roles/rights.ts";
import { emailOf } from "#core/users/email_of.ts";
import { nameText, text } from "#core/wire.ts";

const METADATA_KEYS = 50;
const METADATA_LENGTH = 500;

/** Values that the app stores with a user. Keys can't be read as operators or paths of the database. */
export const metadata = record(
  string().check(regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, "may have only letters, digits, _ and -")),
  text(METADATA_LENGTH),
).check(
  refine((values) => Object.keys(values).length <= METADATA_KEYS, `has more than ${METADATA_KEYS} keys`),
);

/** The fields of a user on the wire that other documents do not decide. */
export const profileFields = {
  id: string(),
  created_at: string(),
  updated_at: nullable(string()),
  status: string(),
  disabled_at: nullable(string()),
  deleted_at: nullable(string()),
  name: nullable(string()),
  locale: nullable(string()),
  metadata: record(string(), string()),
};

/** A user as administrators see one. */
export const userFields = strictObject({
  ...profileFields,
  email: nullable(string()),
  roles: array(string()),
});

/** A user in a list. */
export const listedUserFields = extend(userFields, {
  match: nullable(string()),
  match_is_pending: boolean(),
  is_verified: boolean(),
});

/** The parameters that change a user. */
export const profileParameters = {
  name: optional(nullable(nameText(128))),
  locale: optional(nullable(text(35))),
  metadata: optional(metadata),
};

/** A user is active unless the document says otherwise. */
export const statusOf = ({ status }: Pick<User, "status">) => status ?? "active";

export function profileToWire(user: User) {
  return {
    id: user._id,
    created_at: user.createdAt,
    updated_at: user.updatedAt ?? null,
    status: statusOf(user),
    disabled_at: user.disabledAt ?? null,
    deleted_at: user.deletedAt ?? null,
    name: user.name ?? null,
    locale: user.locale ?? null,
    metadata: { ...user.metadata },
  };
}

/**
 * @param identifiers all of the user's, the oldest first
 * @param own the app's own platform roles
 */
export function userToWire(user: User, identifiers: readonly Identifier[], own: readonly Role[]) {
  return {
    ...profileToWire(user),
    email: emailOf(identifiers),
    roles: rolesOf(user, own).map(({ key }) => key),
  };
}
