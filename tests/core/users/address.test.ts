import fc from "fast-check";
import { expect, test } from "vitest";
import { NestError } from "#core/errors.ts";
import { parseAddress } from "#core/users/address.ts";
import { seedOf } from "#tests/support/seed.ts";

/** 254 characters with a local part of 64, the limits of RFC 5321, section 4.5.3.1. */
const LONGEST = `${"a".repeat(64)}@${`${"b".repeat(61)}.`.repeat(3)}com`;

test.each([
  ["Ada@Example.COM", "ada@example.com", "Ada@example.com"],
  ["  ada@example.com\t", "ada@example.com", "ada@example.com"],
  ["ada+tag.two@example.co.uk", "ada+tag.two@example.co.uk", "ada+tag.two@example.co.uk"],
  ["ada@bücher.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"],
  ["ada@BÜCHER.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"],
  ["ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"],
  ["ada@exa\u00admple.com", "ada@example.com", "ada@example.com"],
  [LONGEST, LONGEST, LONGEST],
  ["\u200b\u200eada@example.com\u200f\ufeff", "ada@example.com", "ada@example.com"],
  ["\u202aada@example.com\u202c \u2060", "ada@example.com", "ada@example.com"],
  [" \u2066ada@example.com\u2069\u00ad\n", "ada@example.com", "ada@example.com"],
])("reads %j as %s", (typed, identity, recipient) => {
  expect(parseAddress(typed)).toEqual({ identity, recipient });
});

test.each([
  ["no @", "foo"],
  ["no domain", "foo@"],
  ["no local part", "@example.com"],
  ["a domain of one label", "foo@localhost"],
  ["a domain that is an IP address", "foo@127.0.0.1"],
  ["an address literal", "foo@[127.0.0.1]"],
  ["two dots", "foo@example..com"],
  ["a local part that starts with a dot", ".foo@example.com"],
  ["a local part that ends with a dot", "foo.@example.com"],
  ["a quoted local part", '"foo bar"@example.com'],
  ["a display name", "Foo <foo@example.com>"],
  ["a list", "foo@example.com,bar@example.com"],
  ["a header", "foo@example.com\r\nBcc: bar@example.com"],
  ["a path behind the domain", "foo@example.com/bar"],
  ["a port behind the domain", "foo@example.com:25"],
  ["a percent-encoded domain", "foo@example%2ecom"],
  ["U+212A, which lower-cases to k", "\u212Aing@example.com"],
  ["a Cyrillic look-alike", "\u0430da@example.com"],
  ["a null byte", "ada\0@example.com"],
  ["a local part of 65 characters", `${"a".repeat(65)}@example.com`],
  ["a label of 64 characters", `foo@${"a".repeat(64)}.com`],
  [
    "a domain that is too long only as A-labels",
    `foo@${"ü".repeat(20)}.${`${"ö".repeat(20)}.`.repeat(11)}com`,
  ],
  ["255 characters", `${LONGEST}m`],
  ["50,000 characters", `${"a".repeat(50_000)}@example.com`],
  ["a zero-width space between the local part and the @", "ada\u200b@example.com"],
  ["two dots in the local part", "user..name@example.com"],
  ["a trailing dot, which would be a second spelling of the address", "foo@example.com."],
  ["a full-width IP address", "foo@\uff11\uff12\uff17.\uff10.\uff10.\uff11"],
  [
    "an encoded word, which a mail server may decode into another address",
    "=?utf-8?q?bar=40evil.com?=@example.com",
  ],
  ["an encoded word within the local part", "foo=?x?q?bar?=@example.com"],
])("refuses %s: %j", (_case, typed) => {
  expect(() => parseAddress(typed)).toThrow(NestError);
});

test.each([" ", "\u200b"])(
  "refuses 64,000 invisible characters %j without trying every part of them",
  (invisible) => {
    const startedAt = performance.now();
    expect(() => parseAddress(`ada${invisible.repeat(64_000)}@example.com`)).toThrow(
      expect.objectContaining({ code: "invalid_email", meta: { message: "Missing final '@domain'" } }),
    );
    // A pattern that backtracks takes minutes.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  },
);

test("a domain that starts with a dot has its own message, which the app expects", () => {
  expect(() => parseAddress("foo@.bar")).toThrow(
    expect.objectContaining({ code: "invalid_email", meta: { message: "Domain starts with dot" } }),
  );
});

test("an identity is lower-case ASCII with one @, and parses to itself", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "grapheme" }), fc.emailAddress()), (typed) => {
      try {
        const { identity, recipient } = parseAddress(typed);
        expect(identity).toMatch(/^[\x21-\x7e]+@[a-z0-9.-]+$/);
        expect(recipient.toLowerCase()).toBe(identity);
        expect(parseAddress(identity).identity).toBe(identity);
      } catch (error) {
        if (!(error instanceof NestError)) throw error;
      }
    }),
    { numRuns: 2000, seed: seedOf("address") },
  );
});
