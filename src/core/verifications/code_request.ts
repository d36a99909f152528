import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import type { Device } from "#core/repositories/authorizations.ts";
import { type Address, parseAddress } from "#core/users/address.ts";
import { parsePhone } from "#core/users/phone.ts";

/** Where a code goes: an email address, or a phone number. */
export type CodeTarget =
  | { type: "email"; identity: string; country: null; address: Address }
  | { type: "phone"; identity: string; country: string };

/** A code request whose client, identifier and country are valid. */
export interface CheckedCode {
  client: OAuthClient;
  target: CodeTarget;
  device: Device | null;
}

/**
 * Reads an identifier as the user typed it, without I/O.
 * @throws NestError invalid_identifier; country_not_allowed if the client sends no SMS to the country of a number
 */
export function readTarget(
  { phoneCountries }: Pick<OAuthClient, "phoneCountries">,
  type: CodeTarget["type"],
  typed: string,
): CodeTarget {
  if (type === "email") {
    const address = readAddress(typed);
    return { type, identity: address.identity, country: null, address };
  }
  const { identity, country } = parsePhone(typed);
  if (!phoneCountries.includes(country)) throw new NestError("country_not_allowed", { meta: { country } });
  return { type, identity, country };
}

/**
 * The normalized form of an identifier of either type, for a comparison.
 * @returns what was typed, if it is neither an address nor a number: then it equals no identifier
 */
export function identityOf(typed: string): string {
  try {
    return typed.includes("@") ? parseAddress(typed).identity : parsePhone(typed).identity;
  } catch {
    return typed;
  }
}

function readAddress(typed: string): Address {
  try {
    return parseAddress(typed);
  } catch (error) {
    if (error instanceof NestError && error.code === "invalid_email")
      throw new NestError("invalid_identifier", { meta: error.meta });
    throw error;
  }
}
