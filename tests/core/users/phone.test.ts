import { expect, test } from "vitest";
import { NestError } from "#core/errors.ts";
import { NOT_A_PHONE_NUMBER, NOT_MOBILE } from "#core/users/identifier_messages.ts";
import { parsePhone } from "#core/users/phone.ts";

function refusalOf(typed: string): unknown {
  try {
    return parsePhone(typed);
  } catch (error) {
    return error instanceof NestError && { code: error.code, ...error.meta };
  }
}

test.each([
  ["6591234567", "+6591234567", "SG"],
  ["+6591234567", "+6591234567", "SG"],
  [" +65 9123-4567\u200e ", "+6591234567", "SG"],
  ["+44 (0)7400 123456", "+447400123456", "GB"],
  ["+4915112345678", "+4915112345678", "DE"],
  // North American mobile phones can't be told from landlines.
  ["+1 202 555 0123", "+12025550123", "US"],
  ["+1 242 359 1234", "+12423591234", "BS"],
])("reads %j as %s of %s", (typed, identity, country) => {
  expect(parsePhone(typed)).toEqual({ identity, country });
});

test.each([
  ["too short", "12"],
  ["too short for its country", "+65123"],
  ["too long", "+6591234567890123"],
  ["longer than any number", `+${"6".repeat(100_000)}`],
  ["an emergency number", "999"],
  ["with letters", "+659123456a"],
  ["with an extension", "+6591234567;ext=1"],
  ["a URL", "tel:+6591234567"],
  ["with two plus signs", "++6591234567"],
  ["with a plus sign inside", "+65+91234567"],
  ["in Arabic digits", "٦٥٩١٢٣٤٥٦٧"],
  ["in full-width digits", "＋６５９１２３４５６７"],
  ["of an unassigned country", "+99912345678"],
  ["of no country", "+80012345678"],
  ["negative", "-6591234567"],
  ["empty", ""],
])("refuses a number that is %s", (_what, typed) => {
  expect(refusalOf(typed)).toEqual({ code: "invalid_identifier", message: NOT_A_PHONE_NUMBER });
});

test.each([
  ["premium rate, United Kingdom", "+449098790000"],
  ["premium rate, North America", "+1 900 555 1234"],
  ["landline, United Kingdom", "+442071838750"],
  ["landline, Singapore", "+6566123456"],
])("refuses a number that costs money or can't receive SMS: %s", (_what, typed) => {
  expect(refusalOf(typed)).toEqual({ code: "invalid_identifier", message: NOT_MOBILE });
});
