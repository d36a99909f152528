/** Characters that a display name may have without quotes (RFC 5322, 3.2.3). */
const PLAIN = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*$/;
const VISIBLE_ASCII = /^[ -~]*$/;
/** The most bytes in one encoded word, which has at most 75 characters, base64 and delimiters included (RFC 2047, section 2). */
const WORD_BYTES = 45;

/**
 * Formats a sender for the header of a mail: quotes a name with special characters, because a comma would separate two
 * addresses, and encodes a name that is not ASCII, because SES refuses it.
 * @param mailbox such as `Müller, Inc. <no-reply@acme.example>`, or an address alone
 */
export function mailboxHeader(mailbox: string): string {
  const [, name = "", address = mailbox] = /^([^<>]*)<([^<>]+)>$/.exec(mailbox.trim()) ?? [];
  const words = headerName(name.trim());
  return words === "" ? address.trim() : `${words} <${address.trim()}>`;
}

function headerName(name: string): string {
  const isQuoted = /^"(?:[^"\\]|\\.)*"$/.test(name);
  if (VISIBLE_ASCII.test(name))
    return isQuoted || PLAIN.test(name)
      ? name
      : `"${name.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;
  return wordsOf(name)
    .map((word) => `=?UTF-8?B?${Buffer.from(word).toString("base64")}?=`)
    .join(" ");
}

/** Splits a name between characters, because mail clients decode each encoded word separately. */
function wordsOf(name: string): string[] {
  const words: string[] = [];
  let word = "";
  for (const character of name) {
    if (Buffer.byteLength(word + character) > WORD_BYTES) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  return [...words, word];
}
