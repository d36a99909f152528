import { expect, test } from "vitest";
import app from "#app";
import { checkApp } from "#core/app/app_rules.ts";
import type { OAuthProvider } from "#core/app/oauth_providers.ts";

const problemsOf = (...oauthProviders: OAuthProvider[]) =>
  checkApp({ ...app, oauthProviders }).map(({ path, rule }) => `${path.join(".")} ${rule}`);
const endpoints = {
  ...{ authorization: "https://p.example/a", token: "https://p.example/t", userinfo: "https://p.example/u" },
};

test("accepts every preset with the fields that it needs", () => {
  expect(
    problemsOf(
      { id: "google", name: "Google", preset: "google" },
      { id: "apple", name: "Apple", preset: "apple" },
      { id: "github", name: "GitHub", preset: "github" },
      { id: "microsoft", name: "Microsoft", preset: "microsoft" },
      {
        id: "own",
        name: "Own",
        preset: "oidc",
        issuer: "https://id.example",
        trustEmail: true,
        idTokenAlgorithm: "ES256",
      },
      { id: "plain", name: "Plain", preset: "oauth2", endpoints },
    ),
  ).toEqual([]);
});

test.each<[string, OAuthProvider, string]>([
  ["oidc without an issuer", { id: "a", name: "A", preset: "oidc" }, "oauthProviders.0.issuer is missing"],
  [
    "oauth2 without endpoints",
    { id: "a", name: "A", preset: "oauth2" },
    "oauthProviders.0.endpoints is missing",
  ],
  [
    "an issuer of a preset that has its own",
    { id: "a", name: "A", preset: "google", issuer: "https://id.example" },
    "oauthProviders.0.issuer is for the preset oidc only",
  ],
  [
    "an issuer with a query",
    { id: "a", name: "A", preset: "oidc", issuer: "https://id.example?a=1" },
    "oauthProviders.0.issuer must have no query",
  ],
  [
    "an algorithm without ID tokens",
    { id: "a", name: "A", preset: "github", idTokenAlgorithm: "RS256" },
    "oauthProviders.0.idTokenAlgorithm has no effect",
  ],
  [
    "trust in addresses that people choose",
    { id: "a", name: "A", preset: "microsoft", trustEmail: true },
    "oauthProviders.0.trustEmail can't be true for microsoft",
  ],
])("refuses %s", (_name, provider, problem) => {
  expect(problemsOf(provider)[0]).toContain(problem);
});

test("refuses two providers with one id", () => {
  const one = { id: "a", name: "A", preset: "google" } as const;
  expect(problemsOf(one, one)[0]).toContain("oauthProviders.1.id");
});
