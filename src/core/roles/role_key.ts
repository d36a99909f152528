import { maxLength, minLength, regex, string } from "zod/mini";

/** The longest key of a role. */
export const ROLE_KEY_LIMIT = 40;

/** The key of a role: ASCII, so that no two keys look alike. */
export const roleKey = () =>
  string().check(
    minLength(1),
    maxLength(ROLE_KEY_LIMIT),
    regex(/^[a-z0-9_]*$/, "may have only lower-case ASCII letters, digits and underscores"),
  );
