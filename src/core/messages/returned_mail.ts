import { type Address, parseAddress } from "#core/users/address.ts";

/** The addresses of a bounce or complaint, as SES writes them. */
export interface ReportedAddresses {
  /** The recipients of the mail that was returned: `mail.destination`. */
  destination: readonly string[];
  /** The recipients that the report names. The receiving mail server chooses them. */
  reported: readonly string[];
}

/**
 * Decides which addresses a bounce or complaint is about. Only recipients of the returned mail count: the receiving
 * server writes the report and can name any address (contract 1.7). Nest mails one address at a time, so a report about
 * a mail with one recipient is about that recipient, however the report spells it.
 * @returns the addresses exactly as they were mailed
 */
export function returnedAddresses({ destination, reported }: ReportedAddresses): Address[] {
  const mailed = destination.flatMap(readReportedAddress);
  if (destination.length === 1) return mailed;
  const named = new Set(reported.flatMap(readReportedAddress).map(({ recipient }) => recipient));
  return mailed.filter(({ recipient }) => named.has(recipient));
}

/** Characters of a reported address that are read. The limit bounds the work. */
const REPORTED_LIMIT = 1_000;

/**
 * Reads an address as reports spell it: `a@b`, `<a@b>`, `"Name" <a@b>`, `rfc822;a@b` (RFC 3464, section 2.3.2) and
 * `utf-8;a@b` (RFC 6533, section 3).
 * @returns no address if the text has another form
 */
function readReportedAddress(text: string): [Address] | [] {
  const plain = text.slice(0, REPORTED_LIMIT).replace(/^\s*(?:rfc822|utf-8)\s*;/i, "");
  const [, inBrackets] = /<([^<>]*)>\s*$/.exec(plain) ?? [];
  try {
    return [parseAddress(inBrackets ?? plain)];
  } catch {
    return [];
  }
}
