import { exampleOf } from "#tools/openapi/schema.ts";
import type { CodeSample, Schema } from "#tools/openapi/types.ts";

/** Calls of the typed client that do more than one request. */
const FLOWS: Readonly<Record<string, string>> = {
  send_magic_link: 'await nest.sendMagicLink("ada@example.com");',
  create_trial_and_magic_link: [
    'const device = { platform: "mac" as const, beak_id: "a random id of the installation", fingerprint: "a hash of the hardware" };',
    'await nest.startTrial("ada@example.com", { device });',
  ].join("\n"),
  authenticate_user: [
    "// Redeems the code of the link. The client refreshes tokens by itself.",
    "const { userId } = await nest.finishSignIn(location.href);",
  ].join("\n"),
};

/** Fields that the typed client fills in. */
export const FILLED_BY_CLIENT = ["client_id", "redirect_uri", "user_id"];

/**
 * A call of a method with the typed client. `nest` is a `NestClient`.
 * @param request the schema of the method's request
 */
export function typescriptSample(method: string, request: Schema, hasResponse: boolean): CodeSample {
  const source = FLOWS[method] ?? callOf(method, request, hasResponse);
  return { lang: "typescript", label: "Typed client", source };
}

function callOf(method: string, { properties = {}, required = [] }: Schema, hasResponse: boolean): string {
  const fields = Object.entries(properties)
    .filter(([name]) => required.includes(name) && !FILLED_BY_CLIENT.includes(name))
    .map(([name, schema]) => `${name}: ${JSON.stringify(exampleOf(schema))}`);
  const name = method.replace(/_(\w)/g, (_underscore, letter: string) => letter.toUpperCase());
  const body = fields.length > 0 ? `{ ${fields.join(", ")} }` : "";
  return `${hasResponse ? "const response = " : ""}await nest.${name}(${body});`;
}
