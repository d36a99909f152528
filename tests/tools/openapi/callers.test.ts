import { expect, test } from "vitest";
import type { Caller } from "#core/call.ts";
import { requireAccess } from "#entry/access.ts";
import { loadMethods } from "#routes.ts";
import { buildDocument } from "#tools/openapi/document.ts";
import { formsOf } from "#tools/openapi/read.ts";

const forms = formsOf(await buildDocument());
const declarations = (await loadMethods()).map(({ handler }) => handler.declaration);
const methods = forms.map((form) => {
  const declared = declarations.find(
    ({ name, version }) => name === form.name && version === form.introduced,
  );
  if (!declared) throw new Error(`No method declares ${form.name} of ${form.introduced}.`);
  return { ...form, access: declared.access, callers: form.operation["x-callers"] };
});

/** Whether a caller passes the check of an access policy that runs before the body is read. */
function passes(access: (typeof methods)[number]["access"], caller: Pick<Caller, "kind">): boolean {
  try {
    requireAccess(access, caller as Caller, {});
    return true;
  } catch {
    return false;
  }
}

test("each method names the internal key, as text and as security scheme, exactly if it accepts one", () => {
  for (const { name, introduced, access, callers, operation } of methods) {
    const isAccepted = access !== "public" && passes(access, { kind: "internal" });
    const schemes = operation.security.flatMap((scheme) => Object.keys(scheme));
    expect(schemes.includes("internal"), `${introduced} ${name}`).toBe(isAccepted);
    expect(/internal key/.test(callers?.text ?? ""), `${introduced} ${name}`).toBe(isAccepted);
    // Public methods check the token themselves where a challenge can take its place.
    const isOpen = access === "public" && !/`mfa_token`/.test(callers?.text ?? "");
    expect(schemes.length === 0, `${introduced} ${name}`).toBe(isOpen);
  }
  const withChallenge = methods.filter(({ callers }) => /`mfa_token`/.test(callers?.text ?? ""));
  expect(withChallenge.map(({ name }) => name).sort()).toEqual(["create_mfa_factor", "verify_mfa_factor"]);
  const bearerOnly = methods.filter(({ access }) => access.startsWith("acct"));
  expect(bearerOnly.map(({ name }) => name)).toContain("get_account");
});

test("each method names user_id as its caller only if its request has the field", () => {
  for (const { name, introduced, request, callers } of methods) {
    const hasField = "user_id" in (request.properties ?? {});
    if (/`user_id`/.test(callers?.text ?? "")) expect(hasField, `${introduced} ${name}`).toBe(true);
    if (callers?.usesCallerByDefault) expect(request.required ?? [], name).not.toContain("user_id");
    if (callers?.usesCallerByDefault) expect(hasField, `${introduced} ${name}`).toBe(true);
  }
});

test("each capability of a policy is named", () => {
  for (const { name, access, callers } of methods)
    for (const [, capability] of access.matchAll(/(?:cap|acct):([a-z.]+)/g))
      expect(callers?.text, name).toContain(`\`${capability}\``);
});
