import { describe, expect, test } from "vitest";
import { relyingPartyOf } from "#core/app/passkey_settings.ts";

const PAGES = ["http://localhost:5173", "https://app.test.acme.example", "https://app.acme.example"];

describe("an origin of passkeys", () => {
  // A page of the test stage must not use the passkeys of production.
  test.each([
    ["local", "localhost", [PAGES[0]]],
    ["nonprod", "test.acme.example", [PAGES[1]]],
    ["prod", "acme.example", [PAGES[2]]],
  ] as const)("counts for the longest domain that it is within: %s", (stage, rpId, origins) => {
    const ids = { local: "localhost", nonprod: "test.acme.example", prod: "acme.example" };
    expect(relyingPartyOf({ rpId: ids, origins: PAGES }, stage)).toEqual({ rpId, origins });
  });

  test("counts on each stage that has the same domain", () => {
    const passkeys = {
      rpId: { local: null, nonprod: "acme.example", prod: "acme.example" },
      origins: ["https://app.acme.example"],
    };
    for (const stage of ["nonprod", "prod"] as const)
      expect(relyingPartyOf(passkeys, stage)?.origins).toEqual(passkeys.origins);
    expect(relyingPartyOf(passkeys, "local")).toBeNull();
  });
});
