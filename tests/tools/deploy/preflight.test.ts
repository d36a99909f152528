import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DEFAULT_PRICE, DEFAULT_PRODUCT } from "#stripe_double/settings.ts";
import { type StripeDouble, startStripeDouble } from "#stripe_double/stripe_double.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { requireSameApp, requireStripe, webhookUrl } from "#tools/deploy/preflight.ts";
import type { StageCheck } from "#tools/stage/config/check_stage.ts";
import { readSettings, type StageSettings } from "#tools/stage/settings.ts";

const ISSUER = "https://nest.invalid";
const WITHOUT_DOMAIN = { name: null, certificateArn: null, hostedZoneId: null };
const NOT_DEPLOYED = null;
const DEPLOYED = new Map([["ApiUrl", "https://a1b2c3.execute-api.eu-west-2.amazonaws.com"]]);

let stripe: StripeDouble;
let folder: string;
let parameters: StageCheck["parameters"];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-preflight-"));
  stripe = await startStripeDouble();
  vi.stubEnv("STRIPE_URL", stripe.url);
  parameters = new Map([
    ["STRIPE_SECRET_KEY", { value: stripe.secretKey, version: 1, changedAt: undefined }],
  ]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stripe.close();
  await rm(folder, { recursive: true, force: true });
});

async function settings(
  domain: Partial<StageSettings["domain"]> = {},
  price = DEFAULT_PRICE,
): Promise<StageSettings> {
  const variables = { ISSUER, STRIPE_PRICE_ID: price, STRIPE_PRODUCT_IDS: DEFAULT_PRODUCT };
  return readSettings(await writeSettings(folder, { domain, variables }));
}

test("a first deployment without a domain needs no webhook endpoint, because its address is unknown", async () => {
  const stage = { store: { stage: "nonprod" as const }, settings: await settings(WITHOUT_DOMAIN) };
  const url = webhookUrl(stage.settings, NOT_DEPLOYED);
  expect(url).toBeNull();
  await expect(requireStripe(stage, parameters, url)).resolves.toBeUndefined();
});

test("a first deployment without a domain is refused if the price is wrong", async () => {
  const stage = {
    store: { stage: "nonprod" as const },
    settings: await settings(WITHOUT_DOMAIN, "price_other"),
  };
  await expect(requireStripe(stage, parameters, null)).rejects.toThrow("Stripe has no price price_other");
});

test.each([
  ["a first deployment with a domain", {}, NOT_DEPLOYED],
  ["a later deployment without a domain", WITHOUT_DOMAIN, DEPLOYED],
])("%s is refused while its webhook endpoint does not exist", async (_case, domain, outputs) => {
  const stage = { store: { stage: "nonprod" as const }, settings: await settings(domain) };
  const url = webhookUrl(stage.settings, outputs);
  await expect(requireStripe(stage, parameters, url)).rejects.toThrow(
    `there is no endpoint for ${ISSUER}/1/webhook/stripe`,
  );
});

test("a deployment without a domain that failed before it had an address counts as the first", async () => {
  expect(webhookUrl(await settings(WITHOUT_DOMAIN), new Map())).toBeNull();
});

test("refuses to deploy another app than the stage runs, unless --other-app is set", () => {
  const runsBeak = new Map([["App", "beak"]]);
  expect(() => requireSameApp(runsBeak, "acme", false)).toThrow(
    /^The stage runs the app beak, and acme would replace it[\s\S]*Set NEST_APP=app\/beak, or deploy acme to an AWS account of its own\.\n[\s\S]*--other-app\.$/,
  );
  expect(() => requireSameApp(runsBeak, "acme", true)).not.toThrow();
});

test.each([
  ["the first deployment", NOT_DEPLOYED],
  ["a stage of a release that did not record its app", DEPLOYED],
  ["a stage of the same app", new Map([["App", "acme"]])],
])("%s takes the app", (_case, outputs) => {
  expect(() => requireSameApp(outputs, "acme", false)).not.toThrow();
});
