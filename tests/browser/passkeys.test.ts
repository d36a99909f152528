import type { CDPSession, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { passkeyLink, readPasskeyLink } from "#client/passkeys.ts";
import { browserSuite, hasBrowser, inspect, press } from "#tests/support/browser.ts";
import { SIMPLE } from "#tests/support/nest.ts";
import { verifyOwnAddress } from "#tests/support/own_address.ts";
import { P1 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

/** Opens the typed client, with names in camelCase, and its calls for passkeys as `passkeys`. */
const OPEN_CLIENT = `(async () => {
  const { NestClient } = await import("/client.js");
  window.passkeys = await import("/passkeys.js");
  window.newClient = () => new NestClient({
    url: location.origin, clientId: "${SIMPLE}", redirectUri: "https://x.test/", camelCase: true, timeoutMs: 30_000,
  });
  window.nest = newClient();
  window.errorOf = (work) => work.then(() => null, (error) => (typeof error.code === "string" ? error.code : error.name));
})()`;
const SIGN_IN = `(async (nest, autofill) => {
  const { challengeId, options } = await nest.call("create_passkey_challenge");
  const credential = await passkeys.usePasskey(options, { autofill });
  return nest.signIn({ grantType: "webauthn", challengeId, credential });
})`;

describe.skipIf(!hasBrowser)("passkeys in a browser with a virtual authenticator", () => {
  const suite = browserSuite();
  let session: CDPSession;

  /** A page of the client with an authenticator that can verify its owner, and the id of the authenticator. */
  const open = async (): Promise<{ page: Page; authenticatorId: string }> => {
    const page = await suite.open("/openapi.json");
    session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        ...{ protocol: "ctap2" as const, transport: "internal" as const, hasResidentKey: true },
        ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    await page.evaluate(OPEN_CLIENT);
    return { page, authenticatorId };
  };

  /** Registers a user in the page, who adds a passkey. */
  const enrol = async (page: Page, address: string): Promise<void> => {
    const body = { client_id: SIMPLE, identifier_type: "email", identifier_value: address, password: P1 };
    const registered = await suite.stack.ask("POST", `${V3}register_user`, body);
    const headers = { authorization: `Bearer ${registered.body.access_token}` };
    await verifyOwnAddress(suite.stack, { client_id: SIMPLE, address, headers });
    const added = await page.evaluate(`(async () => {
      await nest.signIn({
        grantType: "password", identifierType: "email", identifierValue: "${address}", password: "${P1}",
      });
      const { factorId, passkeyOptions } = await nest.createMfaFactor({ factorType: "webauthn", confirm: true });
      const credential = await passkeys.createPasskey(passkeyOptions);
      return nest.verifyMfaFactor({ factorId, credential });
    })()`);
    expect(added).toMatchObject({ factor: { factorType: "webauthn", status: "active" } });
  };

  test("makes a passkey, signs in with it alone and as the second step, and refuses a copy that falls behind", async () => {
    const { page, authenticatorId } = await open();
    await enrol(page, "pam@example.com");
    const again = `(async () => {
      const { passkeyOptions } = await nest.createMfaFactor({ factorType: "webauthn" });
      return errorOf(passkeys.createPasskey(passkeyOptions));
    })()`;
    // The authenticator has a passkey of the user already.
    expect(await page.evaluate(again)).toBe("InvalidStateError");
    const { credentials } = await session.send("WebAuthn.getCredentials", { authenticatorId });
    const [copy] = credentials;
    expect(credentials).toHaveLength(1);

    const alone = (await page.evaluate(`${SIGN_IN}(newClient())`)) as { userId: string };
    expect(alone.userId).toMatch(/^user_/);
    const second = await page.evaluate(`(async () => {
      const other = newClient();
      const password = {
        grantType: "password", identifierType: "email", identifierValue: "pam@example.com", password: "${P1}",
      };
      const { meta } = await other.signIn(password).catch((error) => error);
      const { options } = await other.call("create_passkey_challenge", { mfaToken: meta.mfa_token });
      const credential = await passkeys.usePasskey(options);
      return other.signIn({ grantType: "mfa", mfaToken: meta.mfa_token, credential });
    })()`);
    expect(second).toMatchObject({ userId: alone.userId });

    if (!copy) throw new Error("no passkey");
    await session.send("WebAuthn.clearCredentials", { authenticatorId });
    await session.send("WebAuthn.addCredential", { authenticatorId, credential: { ...copy, signCount: 1 } });
    expect(await page.evaluate(`errorOf(${SIGN_IN}(newClient()))`)).toBe("passkey_failed");
  });

  test("refuses an owner who was not verified, and a person who has no passkey", async () => {
    const { page, authenticatorId } = await open();
    await enrol(page, "pat@example.com");
    await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
    expect(await page.evaluate(`errorOf(${SIGN_IN}(newClient()))`)).toBe("NotAllowedError");
    await session.send("WebAuthn.clearCredentials", { authenticatorId });
    await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
    expect(await page.evaluate(`errorOf(${SIGN_IN}(newClient()))`)).toBe("NotAllowedError");
  });

  test("lets the landing page use a passkey for an installed app", async () => {
    const { page } = await open();
    await enrol(page, "pem@example.com");
    const { challenge, link } = (await page.evaluate(`(async () => {
      const challenge = await nest.call("create_passkey_challenge");
      return { challenge, link: passkeys.passkeyLink(location.origin + "/magic-link", challenge.options, "state-1") };
    })()`)) as { challenge: { challengeId: string }; link: string };
    await page.goto(link);
    expect(await page.locator("#text").isVisible()).toBe(false);
    await press(page, "Continue with the passkey");
    const opened = await page.locator("#passkey-open:visible").getAttribute("href");
    expect(opened).toMatch(/^beak-app:/);
    expect(readPasskeyLink(opened ?? "", "state-2")).toBeNull();
    const credential = readPasskeyLink(opened ?? "", "state-1");
    const grant = { client_id: SIMPLE, grant_type: "webauthn", challenge_id: challenge.challengeId };
    const reply = await suite.stack.ask("POST", `${V3}authenticate_user`, { ...grant, credential });
    expect(reply.body.amr).toEqual(["pop", "mfa"]);
  });

  test("says on the landing page that a passkey was not used, and is accessible", async () => {
    const { page, authenticatorId } = await open();
    await enrol(page, "pom@example.com");
    await session.send("WebAuthn.clearCredentials", { authenticatorId });
    const link = await page.evaluate(`(async () => {
      const { options } = await nest.call("create_passkey_challenge");
      return passkeys.passkeyLink(location.origin + "/magic-link", options, "state-1");
    })()`);
    await page.goto(String(link));
    await inspect(page, "landing-passkey");
    await press(page, "Continue with the passkey");
    await page.locator("#passkey-result", { hasText: "The passkey was not used." }).waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("passkey");
    await inspect(page, "landing-passkey-failed");
  });

  /** A browser of 2024 has no functions for passkeys as JSON. */
  const AS_2024 = `
    delete PublicKeyCredential.parseCreationOptionsFromJSON;
    delete PublicKeyCredential.parseRequestOptionsFromJSON;
    delete PublicKeyCredential.prototype.toJSON;`;

  test("lets the landing page make a passkey and then use it, in a browser of 2024", async () => {
    const { page } = await open();
    const body = { client_id: SIMPLE, identifier_type: "email", identifier_value: "pur@example.com" };
    const registered = await suite.stack.ask("POST", `${V3}register_user`, { ...body, password: P1 });
    const headers = { authorization: `Bearer ${registered.body.access_token}` };
    await verifyOwnAddress(suite.stack, { client_id: SIMPLE, address: "pur@example.com", headers });
    const asked = { factor_type: "webauthn", confirm: true };
    const { body: created } = await suite.stack.ask("POST", `${V3}create_mfa_factor`, asked, headers);
    await page.addInitScript(AS_2024);
    const base = `${suite.stack.api.url}/magic-link`;
    await page.goto(passkeyLink(base, created.passkey_options, "made-1"));
    const result = async (state: string) => {
      await press(page, "Continue with the passkey");
      const link = await page.locator("#passkey-open:visible").getAttribute("href");
      return readPasskeyLink(link ?? "", state);
    };
    const proof = { factor_id: created.factor_id, credential: await result("made-1") };
    expect((await suite.stack.ask("POST", `${V3}verify_mfa_factor`, proof, headers)).status).toBe(200);

    await page.locator("#passkey-result", { hasText: "Beak opens automatically." }).waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("passkey-open");
    expect(await page.locator("#passkey").isVisible()).toBe(false);
    await page.setViewportSize({ width: 360, height: 800 });
    await inspect(page, "landing-passkey-done");

    // The app opens the next link in the tab of the first one, which only changes the fragment.
    const challenge = { client_id: SIMPLE };
    const { body: next } = await suite.stack.ask("POST", `${V3}create_passkey_challenge`, challenge);
    await page.goto(passkeyLink(base, next.options, "used-1"));
    const credential = await result("used-1");
    const grant = { client_id: SIMPLE, grant_type: "webauthn", challenge_id: next.challenge_id, credential };
    const reply = await suite.stack.ask("POST", `${V3}authenticate_user`, grant);
    expect(reply.body.amr).toEqual(["pop", "mfa"]);
  });

  test("shows a page for a callback of a provider that belongs to no sign-in", async () => {
    const page = await suite.open("/openapi.json", { width: 360 });
    const answer = await page.goto(`${suite.stack.api.url}/1/oauth/google/callback?state=other&code=1`);
    expect([answer?.status(), answer?.headers()["content-type"]]).toEqual([400, "text/plain; charset=utf-8"]);
    await page
      .getByText("This sign-in is unknown, or it has ended. Go back to the app and begin again.")
      .waitFor();
    const sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await page.evaluate(sideways)).toBe(0);
  });

  test("offers a passkey in the autofill of a field", async () => {
    const { page } = await open();
    await enrol(page, "pim@example.com");
    const user = (await page.evaluate(`${SIGN_IN}(newClient(), true)`)) as { userId: string };
    expect(user.userId).toMatch(/^user_/);
  });
});
