import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { publicHalves } from "#core/keys/signing_keys.ts";
import { hashSecret } from "#core/secrets.ts";
import type { DoubleEvent } from "#stripe_double/types.ts";
import type { TestClock, TestNest } from "#tests/support/nest.ts";
import { ZippedFunctions } from "#tests/support/zipped_functions.ts";
import { type LocalSecrets, makeSecrets } from "#tools/local/secrets.ts";

const FIXTURE = new URL("./previous_release/", import.meta.url);

/** The data that `make_dump.mjs` wrote together with the dump. */
interface Facts {
  madeAt: string;
  /** Stripe's ids of the imported subscriptions, by user. */
  subscriptionsOf: Record<"ada" | "bob" | "cleo" | "dan", string[]>;
  /** The response of get_subscription_status, by email address. */
  statuses: Record<string, string>;
  /** A session whose first refresh token was used once. */
  rotated: { user_id: string; old: string; current: string };
  signedIn: { user_id: string; access_token: string; refresh_token: string };
  /** A session that was signed out. */
  revoked: { refresh_token: string };
  /** Codes of links that were not used. */
  openLinks: Record<"kim" | "ian" | "max", string>;
  /** Stripe events by their status in the dump. The event `unseen` is about the subscription of `ada`. */
  events: Record<"done" | "failed" | "unseen", DoubleEvent>;
}

const readJson = async (name: string) => JSON.parse(await readFile(new URL(name, FIXTURE), "utf8"));

export const DUMP = new URL("dump", FIXTURE).pathname;
export const facts: Facts = await readJson("facts.json");
/** The previous release had no passwords. */
export const secrets: LocalSecrets = { ...(await makeSecrets()), ...(await readJson("secrets.json")) };

/** A clock that starts when the dump was created. */
export function clockOfDump(): TestClock {
  let moved = 0;
  return {
    now: () => new Date(new Date(facts.madeAt).getTime() + moved),
    advance: (seconds) => {
      moved += seconds * 1000;
    },
  };
}

/** A server with Stripe's recorded responses about subscriptions. It counts its requests. */
export async function startRecordedStripe() {
  const subscriptions: Record<string, unknown> = await readJson("stripe.json");
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const [, id = ""] = /^\/v1\/subscriptions\/(\w+)/.exec(request.url ?? "") ?? [];
    const found = request.method === "GET" ? subscriptions[id] : undefined;
    requests.push(`${request.method} ${request.url}`);
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(
      JSON.stringify(found ?? { error: { type: "invalid_request_error", code: "resource_missing" } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/**
 * Unpacks the functions of the previous release.
 * @param nest names the database and the mail double that they use
 */
export async function startPreviousRelease(nest: TestNest, stripeUrl: string, folder: string) {
  const packed = await readFile(new URL("bundles.json.br", FIXTURE));
  const codes: Record<string, string> = JSON.parse(brotliDecompressSync(packed).toString("utf8"));
  for (const [name, code] of Object.entries(codes)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "index.js"), code);
  }
  const environmentOf = (name: string) => ({
    ...variablesOfPreviousRelease(nest, stripeUrl),
    // Only the function that signs gets private keys.
    SIGNING_KEYS: JSON.stringify(
      name.startsWith("authenticate_user") ? secrets.signingKeys : publicHalves(secrets.signingKeys),
    ),
  });
  return new ZippedFunctions(
    folder,
    process.execPath,
    new Map(Object.keys(codes).map((name) => [name, environmentOf(name)])),
  );
}

/** The variables by the names that the previous release reads. */
function variablesOfPreviousRelease(nest: TestNest, stripeUrl: string): Record<string, string> {
  return {
    STAGE: "local",
    ISSUER: "https://nest.test",
    MONGODB_URI: nest.environment.MONGODB_URI ?? "",
    AWS_REGION: "eu-west-2",
    AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_ENDPOINT_URL_SESV2: nest.ses.url,
    MAIL_FROM: "Beak App <no-reply@getbeak.app>",
    REFRESH_KEYS: JSON.stringify([{ id: "local", key: secrets.refreshKey }]),
    INTERNAL_KEYS: hashSecret(secrets.internalKey),
    RATE_LIMIT_KEY: secrets.rateLimitKey,
    STRIPE_URL: stripeUrl,
    STRIPE_SECRET_KEY: "sk_test_double",
    STRIPE_WEBHOOK_SECRETS: "whsec_double",
    STRIPE_PRICE_ID: "price_beak_monthly",
    STRIPE_PRODUCT_IDS: "prod_beak",
  };
}
