import { domainToASCII } from "node:url";
import { NestError } from "#core/errors.ts";

/** A parsed email address. */
export interface Address {
  /** Identifies the user: lower case, domain as A-labels. */
  identity: string;
  /** Receives the mail: the local part as typed, domain as A-labels. */
  recipient: string;
}

// The app compares these two texts exactly and shows its own sentence for each (contract A6).
export const MISSING_DOMAIN = "Missing final '@domain'";
export const DOMAIN_STARTS_WITH_DOT = "Domain starts with dot";

/** Of the address in the SMTP envelope, with its A-labels (RFC 5321, section 4.5.3.1.3). */
const ADDRESS_LIMIT = 254;

/**
 * A dot-atom of RFC 5322, section 3.2.3. Quoted local parts are refused. So is `=?`, which starts an encoded word
 * (RFC 2047): a mail server may decode it and deliver the mail to another address.
 */
const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** ASCII that is invalid in domains; domainToASCII would parse some of it as URL syntax. */
const FORBIDDEN_IN_DOMAIN = /[\u0000-\u002c\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]/;

/**
 * White space, and characters without width (Unicode category Cf: zero-width, direction marks, soft hyphen, byte order
 * mark) at the edges. They are copied along with an address and can't be seen.
 */
const INVISIBLE_EDGES = /^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu;

/** A longer text is refused first, because the time to trim it grows with the square of its length. */
const READ_LIMIT = 1_000;

function invalid(message: string): NestError {
  return new NestError("invalid_email", { meta: { message } });
}

/**
 * Parses a typed address (contract 1.2). The local part must be ASCII: a look-alike such as U+212A lower-cases to a letter
 * and would share an identity with the address that it imitates. The domain is converted to A-labels. Two dots in a
 * row, as some old Japanese mailboxes have, are refused: RFC 5322 allows them only in quotes.
 * @throws NestError invalid_email
 */
export function parseAddress(typed: string): Address {
  if (typed.length > READ_LIMIT) throw invalid(MISSING_DOMAIN);
  const trimmed = typed.replace(INVISIBLE_EDGES, "");
  const at = trimmed.lastIndexOf("@");
  const local = trimmed.slice(0, at);
  const domain = trimmed.slice(at + 1);
  if (at < 0 || domain === "") throw invalid(MISSING_DOMAIN);
  if (domain.startsWith(".")) throw invalid(DOMAIN_STARTS_WITH_DOT);
  const ascii = FORBIDDEN_IN_DOMAIN.test(domain) ? "" : domainToASCII(domain).toLowerCase();
  const labels = ascii.split(".");
  const deliverable =
    local.length <= 64 &&
    DOT_ATOM.test(local) &&
    !local.includes("=?") &&
    local.length + 1 + ascii.length <= ADDRESS_LIMIT &&
    labels.length >= 2 &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? "");
  if (!deliverable) throw invalid(MISSING_DOMAIN);
  return { identity: `${local.toLowerCase()}@${ascii}`, recipient: `${local}@${ascii}` };
}

/**
 * The mailbox of an address, for rate limits only: many providers deliver `ada+tag@` to `ada@`, so the text after `+` is
 * dropped (contract 1.7). Dots and the domain stay.
 */
export function mailboxOf({ identity }: Address): string {
  const at = identity.lastIndexOf("@");
  const plus = identity.indexOf("+");
  return plus > 0 && plus < at ? identity.slice(0, plus) + identity.slice(at) : identity;
}
