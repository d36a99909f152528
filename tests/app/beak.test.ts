import { describe, expect, test } from "vitest";
import { loadApp } from "#app/load_app.ts";
import { OAuthClients } from "#core/clients/oauth_clients.ts";

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
