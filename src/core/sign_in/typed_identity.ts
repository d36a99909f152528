import { NestError } from "#core/errors.ts";
import type { IdentifierType } from "#core/repositories/identifiers.ts";
import { parseAddress } from "#core/users/address.ts";

/**
 * Reads the identifier that a person types to sign in.
 * @returns it normalized, as `identifiers` has it
 * @throws NestError invalid_identifier
 */
export async function readIdentity(type: IdentifierType, typed: string): Promise<string> {
  if (type === "phone") {
    // The metadata of phone numbers is large, and most people sign in with an address.
    const { parsePhone } = await import("#core/users/phone.ts");
    return parsePhone(typed).identity;
  }
  try {
    return parseAddress(typed).identity;
  } catch (error) {
    if (error instanceof NestError && error.code === "invalid_email")
      throw new NestError("invalid_identifier", { meta: error.meta });
    throw error;
  }
}
