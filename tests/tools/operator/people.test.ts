import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import app from "#app";
import { runCli } from "#tests/support/cli.ts";
import { PHONE, redeemCode, sentCode, wrongCode } from "#tests/support/codes.ts";
import { enrol, firstStep, presentFactor } from "#tests/support/mfa.ts";
import { linkRequest, NATIVE, startNest, type TestNest, type Tokens, V1, V2 } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { temporaryFolder } from "#tests/support/program.ts";

const ADA = "ada@example.com";
let nest: TestNest;
let ada: Tokens;
beforeEach(async () => {
  nest = await startNest();
  ada = await nest.signIn(ADA);
});
afterEach(() => nest.stop());

const run = (...args: string[]) => runCli(args, { MONGODB_URI: nest.mongoUri });
const json = async (...args: string[]) => {
  const { status, printed } = await run(...args, "--json");
  expect({ status, printed }).toEqual({ status: 0, printed: expect.anything() });
  return JSON.parse(printed);
};
const bearer = () => ({ bearer: ada.access_token });
const own = () => ({ user_id: ada.user_id });

describe("users", () => {
  test("find and show accept an id or an email address in any spelling, and report an unknown user", async () => {
    expect(await run("users", "find", " ADA@Example.com ")).toMatchObject({
      status: 0,
      printed: `${ada.user_id}\n`,
    });
    const shown = await run("users", "show", ada.user_id);
    expect(shown.printed).toMatch(/address +ada@example\.com \(verified 20/);
    expect(shown.printed).toMatch(/sessions +1 active, 0 ended/);
    for (const nobody of ["nobody@example.com", "user_none", "@"]) {
      const { status, printed } = await run("users", "show", nobody);
      expect([status, printed.trim().split("\n").length], nobody).toEqual([1, 1]);
    }
  });

  test("grant adds a role to those that a user has, and refuses an unknown role", async () => {
    expect((await nest.call(`${V3}list_roles`, {}, bearer())).status).toBe(403);
    await run("users", "grant", ADA, "support");
    expect(await json("users", "grant", ADA, "admin")).toEqual({
      ...own(),
      roles: ["admin", "support", "user"],
    });
    expect((await nest.call(`${V3}list_roles`, {}, bearer())).status).toBe(200);
    const { printed } = await run("users", "show", ADA);
    expect(printed).toMatch(/^roles +admin, support, user$/m);
    const refused = await run("users", "grant", ADA, "owner");
    expect(refused.status).toBe(1);
    expect(refused.printed).toContain("No platform role `owner`. Platform roles: user, support, admin.");
    const rows = (await nest.moveEvents()).filter(({ action }) => action === "user.roles_changed");
    expect(rows.map(({ actor, data }) => [actor.type, data.added])).toEqual([
      ["operator", "support"],
      ["operator", "admin"],
    ]);
  });

  test("export writes everything about a user and no secret to a file that only its owner can read", async () => {
    await nest.call(`${V1}set_marketing_consent`, { ...own(), level: "general" }, bearer());
    nest.stripe.createSubscription({ email: ADA });
    await nest.deliverEvents();
    await using folder = await temporaryFolder();
    const file = join(folder.path, "ada.json");
    expect(await run("users", "export", ADA, "--file", file)).toMatchObject({ status: 0 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, "utf8");
    const account = JSON.parse(text);
    expect(Object.keys(account).sort()).toEqual([
      ...[
        "accessTokens",
        "accountMembers",
        "accounts",
        "auditLogs",
        "authorizations",
        "checkouts",
        "identifiers",
        "mailEvents",
        "marketingConsents",
        "mfaChallenges",
        "mfaFactors",
        "oauthIdentities",
        "oauthStates",
        "passwords",
        "pendingIdentifiers",
        "providerMappings",
      ],
      ...[
        "recoveryCodes",
        "refreshTokens",
        "sessions",
        "subscriptions",
        "trials",
        "users",
        "verifications",
        "webhookMessages",
      ],
    ]);
    expect(account.marketingConsents[0].history).toMatchObject([{ level: "general", ip: "203.0.113.9" }]);
    expect(account.subscriptions).toMatchObject([{ status: "active" }]);
    const stored = await nest.collection("refresh-tokens").findOne({});
    expect(text).not.toContain(String(stored?.key));
    expect(await run("users", "export", ADA, "--file", file)).toMatchObject({ status: 1 });
  });

  test("erase asks first, is refused while a subscription is active, and leaves no personal data", async () => {
    const other = await nest.signIn("bob@example.com");
    const device = { platform: "mac", beak_id: "ada-mac", fingerprint: "ada-print" };
    await nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value: ADA, device }));
    await nest.deliverEvents();
    expect(await run("users", "erase", ADA)).toMatchObject({
      status: 1,
      printed: expect.stringContaining("--yes"),
    });
    const refused = await run("users", "erase", ADA, "--yes");
    expect({ status: refused.status, printed: refused.printed }).toEqual({
      status: 1,
      printed: expect.stringContaining("cancel the subscription"),
    });
    nest.stripe.cancelSubscription(nest.stripe.subscriptions()[0]?.id ?? "");
    await nest.deliverEvents();
    const customer = nest.stripe.customers()[0]?.id ?? "cus";
    expect(await run("users", "erase", ADA)).toMatchObject({
      status: 1,
      printed: expect.stringContaining(`Stripe keeps ${customer}`),
    });
    expect(await run("users", "erase", ADA, "--yes")).toMatchObject({
      status: 0,
      printed: expect.stringContaining(`Stripe keeps ${customer}`),
    });

    await nest.collection("stripe-events").deleteMany({});
    const left = await nest.dump();
    for (const trace of [ADA, nest.stripe.customers()[0]?.id ?? "cus"]) expect(left).not.toContain(trace);
    // Rows of the audit log stay. They name the user by id only.
    expect(await nest.dump({ without: "audit_logs" })).not.toContain(ada.user_id);
    expect(await nest.call(`${V2}get_user`, own(), bearer())).toMatchObject({ status: 401 });
    expect(
      await nest.call(`${V2}get_user`, { user_id: other.user_id }, { bearer: other.access_token }),
    ).toMatchObject({
      status: 200,
    });
    expect((await nest.signIn(ADA)).user_id).not.toBe(ada.user_id);
    const again = linkRequest({ identifier_value: "carol@example.com", device });
    expect((await nest.call(`${V2}create_trial_and_magic_link`, again)).body.code).toBe("trial_already_used");
  });

  test("find, export and erase accept an address that only a link names", async () => {
    const address = "nobody-yet@example.com";
    await nest.call(`${V1}send_magic_link`, linkRequest({ identifier_value: address }));
    expect(await run("users", "find", address)).toMatchObject({
      status: 0,
      printed: expect.stringContaining("No user has this address"),
    });
    expect((await json("users", "export", address)).authorizations).toMatchObject([
      { identifierValue: address },
    ]);
    expect(await run("users", "erase", address, "--yes")).toMatchObject({
      status: 0,
      printed: `Erased ${address}.\n`,
    });
    expect(await nest.dump()).not.toContain(address);
    expect(await run("users", "erase", address, "--yes")).toMatchObject({ status: 1 });
  });

  test("export and erase leave out records from after the address moved to another user", async () => {
    const moved = "moved@example.com";
    await nest
      .collection("identifiers")
      .updateOne(
        { identifierValue: ADA },
        { $set: { identifierValue: moved, removedAt: "2026-01-01T00:00:00.000Z" } },
      );
    const bobs = await nest.emailedCode({ identifier_value: moved });
    await nest.redeem(bobs);
    const open = await nest.emailedCode({ identifier_value: moved });
    const { authorizations } = await json("users", "export", ada.user_id);
    expect(authorizations).toEqual([]);
    expect(await run("users", "erase", ada.user_id, "--yes")).toMatchObject({ status: 0 });
    expect((await nest.redeem(open)).status).toBe(200);
  });

  test("erase is refused until a duplicate subscription is refunded", async () => {
    const kept = nest.stripe.createSubscription({ email: ADA });
    nest.clock.advance(5);
    nest.stripe.createSubscription({ email: ADA });
    nest.stripe.fault({ calls: 100, kind: "error", on: "POST /v1/refunds" });
    await nest.deliverEvents();
    nest.stripe.cancelSubscription(kept.id);
    await nest.deliverEvents();
    const refused = await run("users", "erase", ADA, "--yes");
    expect({ status: refused.status, printed: refused.printed }).toEqual({
      status: 1,
      printed: expect.stringContaining("not refunded yet"),
    });
    nest.stripe.fault({ calls: 0, kind: "none" });
    for (const event of nest.stripe.events()) expect((await nest.webhook(event)).status).toBe(200);
    expect(nest.stripe.refunds()).toHaveLength(1);
    expect(await run("users", "erase", ADA, "--yes")).toMatchObject({ status: 0 });
  });

  test("an interrupted erasure is completed by running erase again", async () => {
    await nest.collection("sessions").deleteMany({});
    await nest.collection("identifiers").deleteMany({});
    expect(await run("users", "erase", ada.user_id, "--yes")).toMatchObject({ status: 0 });
    expect(await nest.collection("users").countDocuments()).toBe(0);
  });
});

describe("users why", () => {
  const told = async () => (await json("users", "why", ADA)).map(({ what }: { what: string }) => what);

  test("shows why a session was revoked: reuse of a refresh token, sign-out, or an operator", async () => {
    const first = (await nest.refresh(ada.refresh_token)).body;
    await nest.call(`${V2}get_user`, own(), { bearer: first.access_token });
    nest.clock.advance(60);
    expect((await nest.refresh(ada.refresh_token)).body.code).toBe("token_used");
    const second = await nest.signIn(ADA);
    await nest.call(`${V2}revoke_token`, {
      client_id: second.client_id,
      refresh_token: second.refresh_token,
    });
    await nest.signIn(ADA);
    await run("sessions", "revoke", ADA, "--yes");
    const words = await told();
    expect(words).toContain("refreshed the session once, last at this time");
    expect(words.some((line: string) => /used again after its successor was in use/.test(line))).toBe(true);
    expect(words).toContain("the session on mac was revoked: the user signed out on this device");
    expect(words).toContain("the session on mac was revoked: an administrator ended it");
    const codes = (await json("users", "why", ADA)).map(({ code }: { code: string }) => code);
    expect(new Set(codes)).toEqual(
      new Set([
        ...["link_requested", "link_redeemed", "signed_in", "session_refreshed"],
        ...["session_refresh_token_reuse", "session_signed_out", "session_revoked_by_operator"],
        ...["user.created", "identifier.added", "identifier.verified"],
      ]),
    );
  });

  test("finds a user by a phone number, and shows the codes that were sent to it", async () => {
    const { nonce, code } = await sentCode(nest);
    await redeemCode(nest, { nonce, code: wrongCode(code) });
    const { body } = await redeemCode(nest, { nonce, code });
    expect(await run("users", "find", "+65 9123 4567")).toMatchObject({ printed: `${body.user_id}\n` });
    const words = (await json("users", "why", PHONE)).map(({ what }: { what: string }) => what);
    expect(words).toContain("requested a message to sign in");
    expect(words).toContain("wrong codes were presented: 1");
    expect(words).toContain("redeemed the code or the link of the message");
    expect((await run("users", "show", "+65 8123 4567")).printed).toContain("no user and no other document");
    expect((await run("users", "show", "+12")).status).toBe(1);
  });

  test("shows links that were revoked by another link, or failed to redeem on another device", async () => {
    const ended = await nest.emailedCode({ identifier_value: ADA });
    const tried = await nest.emailedCode({ identifier_value: ADA });
    await nest.redeem(tried, { code_verifier: "another machine's" });
    await nest.redeem(tried);
    expect((await nest.redeem(ended)).body.code).toBe("authorization_not_found");
    const words = await told();
    expect(words).toContain("the link was revoked: another link signed this address in");
    expect(words).toContain(
      "failed to redeem the link once: it was not opened on the device that requested it",
    );
    expect(words.filter((line: string) => line === "redeemed the link")).toHaveLength(2);
    expect(words.filter((line: string) => line === "requested a magic link on mac")).toHaveLength(3);
  });
});

test("why: shows that a recovery code was used, and a refused step-up as no sign-in", async () => {
  const bob = await enrol(nest, "bob@example.com");
  const bearer = { bearer: bob.tokens.access_token };
  const opened = await nest.call(`${V3}create_mfa_challenge`, { client_id: NATIVE }, bearer);
  await presentFactor(nest, opened.body.mfa_token, { factor_id: bob.factorId, code: "000000" });
  const recovery_code = bob.recoveryCodes[0];
  await presentFactor(nest, await firstStep(nest, "bob@example.com"), { recovery_code });
  const events = async () => {
    const shown: { code: string; what: string }[] = await json("users", "why", "bob@example.com");
    return shown.filter(({ code }) => /mfa|fail|step/.test(code)).map(({ code, what }) => [code, what]);
  };
  const refused = [
    "step_up_failed",
    "the second factor was refused that a session needs to become fresh: the code of the second factor, or the recovery code, was wrong or used (mfa_failed)",
  ];
  const used = ["mfa.recovery_code_used", "a recovery code was used in place of a second factor"];
  expect(await events()).toEqual([used, refused]);
  await nest.moveEvents();
  expect(await events()).toEqual([used, refused]);
  const asked = { user_id: bob.userId };
  const { body } = await nest.call(`${V3}get_sign_in_history`, asked, { internal: true });
  const codes = body.events.map(({ code }: { code: string }) => code);
  expect(codes).toContain("step_up_failed");
  expect(codes).not.toContain("user.sign_in_failed");
});

test("why: shows that a sign-in stopped because the second factor was not presented", async () => {
  await enrol(nest, "cleo@example.com");
  await firstStep(nest, "cleo@example.com");
  const [newest] = await json("users", "why", "cleo@example.com");
  const text = "the first factor was right, the second factor was not presented yet";
  expect(newest).toMatchObject({ code: "second_factor_missing", what: text });
  const address = { address: "cleo@example.com" };
  const { body } = await nest.call(`${V3}get_sign_in_history`, address, { internal: true });
  expect(body.events[0]).toMatchObject({ code: "second_factor_missing", text });
});

test("why: shows that a link was redeemed again because the first response was lost", async () => {
  const code = await nest.emailedCode({ identifier_value: ADA });
  await nest.redeem(code);
  nest.clock.advance(5);
  expect((await nest.redeem(code)).status).toBe(200);
  const [newest] = await json("users", "why", ADA);
  expect(newest.what).toMatch(/^redeemed the link again, because the first response did not arrive/);
});

describe("sessions, tokens, trials and consent", () => {
  test("lists sessions and revokes one without affecting the others", async () => {
    const other = await nest.signIn(ADA);
    const sessions = await json("sessions", "list", ADA);
    expect(sessions).toHaveLength(2);
    const id = sessions[1]._id;
    expect(await run("sessions", "revoke", id)).toMatchObject({ status: 1 });
    expect(await run("sessions", "revoke", id, "--yes")).toMatchObject({
      status: 0,
      printed: `revoked ${id}\n`,
    });
    expect(await nest.call(`${V2}get_user`, own(), bearer())).toMatchObject({ status: 401 });
    expect(await nest.call(`${V2}get_user`, own(), { bearer: other.access_token })).toMatchObject({
      status: 200,
    });
    expect(await run("sessions", "revoke", id, "--yes")).toMatchObject({ status: 1 });
    expect(await json("sessions", "list", ADA)).toHaveLength(1);
    expect(await json("sessions", "list", ADA, "--all")).toHaveLength(2);
  });

  test("revokes all sessions of a user, however many there are", async () => {
    const one = await nest.collection("sessions").findOne({ userId: ada.user_id });
    const more = Array.from({ length: 520 }, (_, number) => ({ ...one, _id: `session_${number}` }));
    await nest.collection("sessions").insertMany(more);
    await run("sessions", "revoke", ADA, "--yes");
    expect(await nest.collection("sessions").countDocuments({ revokedAt: null })).toBe(0);
  });

  test("revokes a token by its id without ending the session", async () => {
    const [session] = await json("sessions", "list", ADA);
    const tokens = await json("tokens", "list", session._id);
    expect(tokens.map(({ _id }: { _id: string }) => _id.split("_")[0]).sort()).toEqual(["acstok", "reftok"]);
    const access = tokens.find(({ _id }: { _id: string }) => _id.startsWith("acstok"))._id;
    expect(await run("tokens", "revoke", access, "--yes")).toMatchObject({ status: 0 });
    expect(await nest.call(`${V2}get_user`, own(), bearer())).toMatchObject({ status: 401 });
    expect(await nest.refresh(ada.refresh_token)).toMatchObject({ status: 200 });
  });

  test("shows a trial, refuses to reset it while its subscription is active, and resets it afterwards", async () => {
    const ask = () =>
      nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value: "bob@example.com" }));
    await ask();
    await nest.deliverEvents();
    const [trial] = await json("trials", "show", "bob@example.com");
    expect((await run("trials", "show", trial._id)).printed).toMatch(/state +open/);
    expect(await run("trials", "reset", trial._id, "--yes")).toMatchObject({ status: 1 });
    nest.stripe.cancelSubscription(trial.stpSubscriptionId);
    await nest.deliverEvents();
    expect(await run("trials", "reset", trial._id, "--yes")).toMatchObject({ status: 0 });
    expect((await ask()).status).toBe(204);
  });

  test("resets a trial by an address that never signed in, and refuses an address without a trial", async () => {
    const identifier_value = "typed@example.com";
    await nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value }));
    const [trial] = await json("trials", "show", identifier_value);
    nest.stripe.cancelSubscription(trial.stpSubscriptionId);
    await nest.deliverEvents();
    expect(await run("trials", "reset", "Typed@example.com", "--yes")).toMatchObject({
      status: 0,
      printed: `reset ${trial._id}\n`,
    });
    expect(await json("trials", "show", identifier_value)).toEqual([]);
    expect(await run("trials", "reset", identifier_value, "--yes")).toMatchObject({
      status: 1,
      printed: expect.stringContaining(`There is no trial of ${identifier_value}. Nothing was changed.`),
    });
  });

  test("refuses to reset an address with trials of two users, and names them", async () => {
    const address = "bob@example.com";
    await nest.call(`${V2}create_trial_and_magic_link`, linkRequest({ identifier_value: address }));
    const trials = nest.collection("trials");
    const [ofAddress] = await json("trials", "show", address);
    const { user_id } = await nest.signIn(address);
    // Trials of 2022 have no address.
    const older = { createdAt: ofAddress.createdAt, redeemedAt: null, stpSubscriptionId: null };
    await trials.updateOne({}, { $set: { userId: "user_other" } });
    await trials.insertOne({ ...older, _id: "trial_other" as never, userId: user_id });
    expect(await run("trials", "reset", address, "--yes")).toMatchObject({
      status: 1,
      printed: expect.stringMatching(
        /several trials of bob@example\.com: trial_other, trial_\w+\. Reset one/,
      ),
    });
    expect(await trials.countDocuments()).toBe(2);
    expect(await run("trials", "reset", user_id, "--yes")).toMatchObject({ printed: "reset trial_other\n" });
  });

  test("lists trials that nobody redeemed without their addresses, and removes them only with --apply", async () => {
    expect(await nest.startTrial("typed@example.com", "203.0.113.7")).toBe("204");
    await nest.deliverEvents();
    const trials = nest.collection("trials");
    const [trial] = await json("trials", "show", "typed@example.com");
    nest.stripe.cancelSubscription(trial.stpSubscriptionId);
    await nest.deliverEvents();
    const past = "2020-01-01T00:00:00.000Z";
    const ran = { createdAt: past, claimedAt: past, endsAt: past };
    await trials.updateOne({ _id: trial._id }, { $set: ran });
    await nest.collection("authorizations").deleteMany({ identifierValue: "typed@example.com" });
    const { printed } = await run("trials", "clean");
    expect(printed).toContain(trial._id);
    expect(printed).not.toContain("typed@");
    expect(await trials.countDocuments({ _id: trial._id })).toBe(1);
    const environment = {
      ...{ MONGODB_URI: nest.mongoUri, STRIPE_SECRET_KEY: nest.stripe.secretKey },
      STRIPE_URL: nest.stripe.url,
    };
    const apply = (change: Record<string, string>) =>
      runCli(["trials", "clean", "--apply"], { ...environment, ...change });
    expect(await apply({ STAGE: "prod", STRIPE_URL: "" })).toMatchObject({
      status: 1,
      printed: expect.stringContaining("STRIPE_SECRET_KEY (a test key with STAGE=prod)"),
    });
    expect(await apply({ STAGE: "" })).toMatchObject({
      status: 1,
      printed: expect.stringContaining("STAGE"),
    });
    expect(await trials.countDocuments({ _id: trial._id })).toBe(1);
    expect(await apply({ STAGE: "local" })).toMatchObject({ status: 0 });
    expect(await trials.countDocuments({ _id: trial._id })).toBe(0);
    expect(await nest.findUserId("typed@example.com")).toBeNull();
  });

  test("lists the history that proves a consent", async () => {
    expect((await run("consent", "history", ADA)).printed).toContain("The user has not chosen yet");
    for (const level of ["general", "none"]) {
      await nest.call(`${V1}set_marketing_consent`, { ...own(), level }, bearer());
    }
    const { level, history } = await json("consent", "history", ADA);
    expect(level).toBe("none");
    expect(history).toMatchObject([{ level: "general", clientId: ada.client_id }, { level: "none" }]);
  });
});

test("lists the OAuth clients of the app", async () => {
  const { status, printed } = await runCli(["clients", "list"], {});
  expect(status).toBe(0);
  for (const { id, name } of app.clients) expect(printed).toMatch(new RegExp(`${id} +${name}`));
  expect(printed).toContain("3600 s local, 864000 s nonprod, 864000 s prod");
});
