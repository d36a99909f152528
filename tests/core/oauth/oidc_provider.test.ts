/** The second provider: `oidc-provider`, a certified server that shares no code with ours and with the double. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { appWithClients } from "#tests/support/app.ts";
import { MAC, startNest, type TestNest } from "#tests/support/nest.ts";
import { callBack, redeem, startBody } from "#tests/support/oauth.ts";
import { CERTIFIED, withOidcProvider } from "#tests/support/oidc_provider.ts";
import { V3 } from "#tests/support/plans.ts";
import {
  addressOf,
  logInAndConsent,
  type OidcProvider,
  startOidcProvider,
} from "#tools/local/oidc_provider.ts";

const CALLBACK = "https://nest.test/1/oauth/certified/callback";
let provider: OidcProvider;
let nest: TestNest;

beforeAll(async () => {
  provider = await startOidcProvider();
  provider.serve(CALLBACK);
  const { app, settings: environment } = withOidcProvider(appWithClients({ id: MAC }), provider);
  nest = await startNest({ app, environment });
});
afterAll(async () => {
  await nest.stop();
  await provider[Symbol.asyncDispose]();
});

test("signs a person in with a certified provider, whose address is read from userinfo", async () => {
  const started = await nest.call(`${V3}start_oauth`, startBody({ provider: CERTIFIED }));
  const visit = { login: "ada", callback: CALLBACK };
  const url = await logInAndConsent(started.body.authorization_url, visit);
  const back = await callBack(nest, { url, form: null });
  expect(back.error).toBeNull();
  const { status, body } = await redeem(nest, back.code);
  expect([status, body.user_created]).toEqual([200, true]);
  const user = await nest.call(`${V3}get_user`, {}, { bearer: body.access_token });
  expect(user.body).toMatchObject({ email: addressOf("ada"), name: "ada" });
});
