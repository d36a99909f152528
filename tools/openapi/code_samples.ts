import { userIdRule } from "#tools/openapi/client_user.ts";
import { exampleOf } from "#tools/openapi/schema.ts";
import type { CodeSample, Schema } from "#tools/openapi/types.ts";

/** Calls of the typed client that do more than one request, or need fields that no other field requires. */
const FLOWS: Readonly<Record<string, string>> = {
  send_magic_link: 'await nest.sendMagicLink("ada@example.com");',
  get_sign_in_history: 'const response = await nest.getSignInHistory({ address: "ada@example.com" });',
  create_trial_and_magic_link: [
    'const device = { platform: "mac" as const, beak_id: "a random id of the installation", fingerprint: "a hash of the hardware" };',
    'await nest.startTrial("ada@example.com", { device });',
  ].join("\n"),
  create_mfa_factor:
    'const response = await nest.createMfaFactor({ factor_type: "totp", name: "My phone", confirm: true });',
  verify_mfa_factor:
    'const response = await nest.verifyMfaFactor({ factor_id: "mfafac_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp", code: "492039" });',
  update_user:
    'const response = await nest.updateUser({ user_id: "user_000000C2kdCzNlbL1BqR5FeMatItU", name: "Ada" });',
  authenticate_user: [
    "// Redeems the code of the link. The client refreshes tokens by itself.",
    "const { userId } = await nest.finishSignIn(location.href);",
  ].join("\n"),
};

/** The fields of a method's request that the typed client fills in. */
export const filledByClient = (method: string, { properties = {} }: Schema): string[] => [
  ...["client_id", "redirect_uri"].filter((name) => name in properties),
  ...("user_id" in properties && userIdRule(method) === "filled" ? ["user_id"] : []),
];

/** The fields of a method's request that the typed client requires, although the API may not. */
export const requiredByClient = (method: string, { properties = {} }: Schema): string[] =>
  "user_id" in properties && userIdRule(method) === "required" ? ["user_id"] : [];

/**
 * A call of a method with the typed client. `nest` is a `NestClient`.
 * @param request the schema of the method's request
 */
export function typescriptSample(method: string, request: Schema, hasResponse: boolean): CodeSample {
  const source = FLOWS[method] ?? callOf(method, request, hasResponse);
  return { lang: "typescript", label: "Typed client", source };
}

function callOf(method: string, request: Schema, hasResponse: boolean): string {
  const { properties = {}, required = [] } = request;
  const filled = filledByClient(method, request);
  const shown = [...required, ...requiredByClient(method, request)].filter((name) => !filled.includes(name));
  const fields = Object.entries(properties)
    .filter(([name]) => shown.includes(name))
    .map(([name, schema]) => `${name}: ${JSON.stringify(exampleOf(schema))}`);
  const name = method.replace(/_(\w)/g, (_underscore, letter: string) => letter.toUpperCase());
  const body = fields.length > 0 ? `{ ${fields.join(", ")} }` : "";
  return `${hasResponse ? "const response = " : ""}await nest.${name}(${body});`;
}
