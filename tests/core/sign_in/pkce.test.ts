import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { verifiesChallenge } from "#core/sign_in/pkce.ts";
import { seedOf } from "#tests/support/seed.ts";

test("accepts the pair of RFC 7636 appendix B, with the challenge in base64url or hex", () => {
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  expect(verifiesChallenge(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")).toBe(true);
  const hex = createHash("sha256").update(verifier).digest("hex");
  expect(verifiesChallenge(verifier, hex)).toBe(true);
  expect(verifiesChallenge(verifier, hex.toUpperCase())).toBe(true);
});

test.each([
  ["the verifier itself, as method plain would", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"],
  ["the challenge padded", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="],
  ["the challenge in another case", "e9melhoa2owvfremtjgucHAOEK1T8URWBUGJSSTW-CM"],
  ["an empty challenge", ""],
])("refuses %s", (_case, challenge) => {
  expect(verifiesChallenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge)).toBe(false);
});

test("accepts a verifier's own challenge and no other challenge", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      const challenge = createHash("sha256").update(one).digest("base64url");
      expect(verifiesChallenge(one, challenge)).toBe(true);
      expect(verifiesChallenge(other, challenge)).toBe(one === other);
    }),
    { seed: seedOf("pkce") },
  );
});
