import { afterAll, beforeAll, expect, test } from "vitest";
import { eraseAccount } from "#core/personal_data/personal_data.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";
import { PersonalDocuments } from "#core/repositories/personal_documents.ts";
import { readCode } from "#core/sign_in/grants/authorization_code.ts";
import { signInWithVisit } from "#core/sign_in/oauth/visit_sign_in.ts";
import { openSignInCore, withMethods } from "#tests/support/altered_core.ts";
import type { TestNest } from "#tests/support/nest.ts";
import { newPerson, REDEEM_FIELDS, startWithProviders, visit } from "#tests/support/oauth.ts";
import { observeDeletes } from "#tests/support/observe_deletes.ts";

let nest: TestNest;
beforeAll(async () => {
  nest = await startWithProviders();
});
afterAll(() => nest.stop());

/** Starts to sign in with an account at a provider that joins. The account is linked when `finish` is called. */
async function startJoining(email: string) {
  const { code } = await visit(nest, newPerson({ email, name: "Erased Person" }));
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const { oauthIdentities } = nest.gateway.core;
  const core = withMethods(openSignInCore(nest), "oauthIdentities", {
    async link(identity: OAuthIdentity) {
      started.resolve();
      await released.promise;
      return oauthIdentities.link(identity);
    },
  });
  const call = { requestId: "r", ip: "203.0.113.9", userAgent: null };
  const presented = readCode({ ...REDEEM_FIELDS, code: code ?? "" });
  const redeeming = signInWithVisit(core, presented, { accountId: undefined, call }).then(
    () => "signed in",
    (error: { code: string }) => error.code,
  );
  await Promise.race([started.promise, redeeming]);
  return {
    finish() {
      released.resolve();
      return redeeming;
    },
  };
}

test.each(["oauth_identities", "identifiers", "users", "nothing more"])(
  "leaves no account of a person who joins while an erasure is about to remove %s",
  async (place) => {
    const email = `${place.replaceAll(/[ _]/g, "-")}@example.com`;
    const { user_id: userId } = await nest.signIn(email);
    const joining = await startJoining(email);
    const { core, mongo } = nest.gateway;
    const database = observeDeletes(mongo.database, async (collection) => {
      if (collection === place) await joining.finish();
    });
    const personalDocuments = new PersonalDocuments(database);
    await eraseAccount({ ...core, stripe: null, personalDocuments }, { userId, addresses: [] });
    const outcome = await joining.finish();
    expect(outcome).toBe(place === "nothing more" ? "authorization_not_found" : "signed in");
    for (const name of ["oauth_identities", "sessions", "access_tokens", "refresh-tokens", "users"])
      expect(await nest.collection(name).countDocuments({ $or: [{ userId }, { _id: userId }] }), name).toBe(
        0,
      );
    expect(await nest.dump({ without: "audit_logs" })).not.toContain("Erased Person");
  },
);
