import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ConfigError, readConfig } from "#core/config.ts";
import { coreVariables, openCore } from "#core/core.ts";
import * as oauthParts from "#core/oauth/parts.ts";
import * as parts from "#core/parts.ts";
import * as webhookParts from "#core/webhooks/webhook_parts.ts";
import { handler as jwks } from "#entry/jwks.ts";
import { handler as unmatched } from "#entry/unmatched.ts";
import { handler as authenticateUser } from "#methods/2020-12-14/authenticate_user.ts";

const example = await readFile(new URL("../../.env.example", import.meta.url), "utf8");
const lines = example.split("\n").filter((line) => /^[A-Z]/.test(line));

test(".env.example lists exactly the variables that functions read", () => {
  const read = [
    coreVariables,
    jwks.needs.variables,
    unmatched.needs.variables,
    ...Object.values({ ...parts, ...webhookParts, ...oauthParts }).map((part) => part.variables),
  ].flatMap(Object.keys);
  expect(lines.map((line) => line.split("=")[0]).sort()).toEqual([...new Set(read)].sort());
});

test("every variable in .env.example has a comment above it or above its group", () => {
  const paragraphs = example.split("\n");
  const first = paragraphs.findIndex((line) => /^[A-Z]/.test(line));
  expect(paragraphs[first - 1]).toMatch(/^# /);
});

test("an environment with missing or invalid variables is refused with all their names and no value", () => {
  const environment = {
    STAGE: "moon",
    MONGODB_URI: "mongodb://user:hunter2@db.example/nest?w=1",
    ISSUER: "https://nest.test/",
    SIGNING_KEYS: '{"keys":"hunter2"}',
    INTERNAL_KEYS: "hunter2",
    RATE_LIMIT_KEY: "hunter2",
    LIMIT_LINKS_PER_ADDRESS: "many",
  };
  // A function reads all its variables together, and so does the local stack for all functions.
  const missing = ["REFRESH_KEYS"];
  const refused = () => readConfig(authenticateUser.needs.variables, environment);
  expect(refused).toThrow(ConfigError);
  try {
    refused();
  } catch (error) {
    const names = [...Object.keys(environment), ...missing].sort();
    expect([...(error as ConfigError).names].sort()).toEqual(names);
    expect(JSON.stringify(error) + (error as Error).stack).not.toContain("hunter2");
  }
});

test.each(["w=1", "readPreference=secondary", "journal=false", "retryWrites=false", "W=0"])(
  "a database URI that weakens durability is refused: %s",
  (option) => {
    const uri = `mongodb://127.0.0.1/nest?${option}`;
    try {
      openCore({ MONGODB_URI: uri });
      expect.unreachable();
    } catch (error) {
      expect((error as ConfigError).names).toContain("MONGODB_URI");
    }
  },
);

test.each([
  ["local", true],
  ["nonprod", true],
  ["prod", false],
])("a live Stripe key is accepted only in production: STAGE=%s", (STAGE, isRefused) => {
  for (const key of ["sk_live_x", "rk_live_x"]) {
    const open = () => parts.stripe.open({ STAGE, STRIPE_SECRET_KEY: key });
    if (isRefused)
      expect(open).toThrow(new ConfigError(["STRIPE_SECRET_KEY"], `a live key with STAGE=${STAGE}`));
    else open();
  }
});

test.each([
  ["local", false],
  ["nonprod", false],
  ["prod", true],
])(
  "a Stripe test key is refused in production unless STRIPE_URL names another server: STAGE=%s",
  (STAGE, isRefused) => {
    for (const key of ["sk_test_x", "rk_test_x"]) {
      const open = (change = {}) => parts.stripe.open({ STAGE, STRIPE_SECRET_KEY: key, ...change });
      if (isRefused)
        expect(open).toThrow(new ConfigError(["STRIPE_SECRET_KEY"], "a test key with STAGE=prod"));
      else open();
      open({ STRIPE_URL: "http://127.0.0.1:12111" });
    }
  },
);
