import { afterEach, beforeEach, describe, expect, test } from "vitest";
import app from "#app";
import type { App } from "#core/app/app.ts";
import { linkRequest, MAC, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

const ADA = "ada@example.com";
const LINUX = "client_000000CAixjPMTECPznenOM8rKRxQ";
/** An app whose users on Linux get mail in German. */
const germanOnLinux: App = {
  ...app,
  clients: app.clients.map((client) => ({ ...client, locale: client.id === LINUX ? "de" : "en" })),
};

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest({ app: germanOnLinux });
});
afterEach(() => nest.stop());

const subscribe = async () => {
  nest.ses.clear();
  nest.stripe.createSubscription({ email: ADA });
  await nest.deliverEvents();
  return nest.lastMail(ADA);
};
const signInWith = (client_id: string) => nest.signIn(ADA, { client_id });

describe("the mail with a magic link", () => {
  test.each(["send_magic_link", "create_trial_and_magic_link"])(
    "of %s is in the default locale of its client",
    async (method) => {
      const path = method === "send_magic_link" ? `${V1}${method}` : `${V2}${method}`;
      expect((await nest.call(path, linkRequest({ client_id: LINUX }))).status).toBe(204);
      expect(nest.lastMail().html).toContain('<html lang="de"');
      expect(nest.lastMail().text).toContain("funktioniert nur einmal");
      expect((await nest.call(path, linkRequest({ client_id: MAC }))).status).toBe(204);
      expect(nest.lastMail().html).toContain('<html lang="en"');
    },
  );
});

describe("a mail about a subscription", () => {
  test("is in the first locale of the app if the user has never used a client", async () => {
    expect((await subscribe()).subject).toBe("Welcome to Beak!");
  });

  test("is in the locale of the client that the user signed in with last", async () => {
    await signInWith(MAC);
    nest.clock.advance(60);
    await signInWith(LINUX);
    expect((await subscribe()).subject).toBe("Willkommen bei Beak!");
    nest.clock.advance(60);
    await signInWith(MAC);
    expect((await subscribe()).subject).toBe("Duplicate Beak Subscription");
  });

  test("is in the locale of the client that the last link is for, before the first sign-in", async () => {
    const path = `${V2}create_trial_and_magic_link`;
    expect((await nest.call(path, linkRequest({ client_id: LINUX }))).status).toBe(204);
    await nest.deliverEvents();
    expect(nest.lastMail(ADA).subject).toBe("Deine Testphase von Beak");
  });

  test("is in the locale of the user if the app has it", async () => {
    const { user_id } = await signInWith(MAC);
    const users = nest.collection("users");
    const choose = (locale: string) => users.updateOne({ _id: user_id as never }, { $set: { locale } });
    await choose("de");
    expect((await subscribe()).subject).toBe("Willkommen bei Beak!");
    await choose("fr");
    expect((await subscribe()).subject).toBe("Duplicate Beak Subscription");
  });
});
