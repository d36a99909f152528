import { describe, expect, test } from "vitest";
import { loadApp } from "#app/load_app.ts";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { clientWith } from "#tests/support/app.ts";

const beak = await loadApp("app/beak");

/** The clients of contract C11. */
const DESKTOP = [
  "client_000000C2kdCzNlbL1BqR5FeMatItU",
  "client_000000CAixjPMTECPznenOM8rKRxQ",
  "client_000000CAixkP7YVb0cH1zvNfE5mYi",
];
const WEB = "client_000000C7zCx1DUI536pOmMUFPbnPc";

describe("Beak's clients", () => {
  test("are the three desktop apps, with both redirect URIs of the contract, and the disabled web app", () => {
    const clients = new OAuthClients(beak.clients, "prod");
    expect(beak.clients.map(({ id }) => id)).toEqual([...DESKTOP, WEB]);
    for (const id of DESKTOP)
      expect(clients.find(id)?.redirectUris).toEqual([
        "https://magic.getbeak.app/",
        "https://magic.getbeak.app/callback",
      ]);
    expect(clients.find(WEB)).toBeNull();
    expect(clients.allowsOrigin("https://rio.getbeak.app")).toBe(false);
  });

  test.for(["nonprod", "prod"] as const)(
    "let deployed desktop access tokens live ten days on %s",
    (stage) => {
      const clients = new OAuthClients(beak.clients, stage);
      for (const id of DESKTOP) expect(clients.require(id).accessTokenLifetimeSeconds).toBe(864_000);
    },
  );

  test("let desktop access tokens live an hour on a developer's machine", () => {
    const clients = new OAuthClients(beak.clients, "local");
    for (const id of DESKTOP) expect(clients.require(id).accessTokenLifetimeSeconds).toBe(3600);
  });
});

test("a page on a developer's machine may call the local stage only", () => {
  const origins = ["http://localhost:5173", "http://127.0.0.1:5173", "http://[::1]:5173"];
  const clients = [clientWith({ origins: [...origins, "https://acme.example"] })];
  for (const origin of origins) {
    expect(new OAuthClients(clients, "local").allowsOrigin(origin)).toBe(true);
    for (const stage of ["nonprod", "prod"] as const)
      expect(new OAuthClients(clients, stage).allowsOrigin(origin)).toBe(false);
  }
  expect(new OAuthClients(clients, "prod").allowsOrigin("https://acme.example")).toBe(true);
});
