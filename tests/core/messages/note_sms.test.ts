import { afterEach, beforeEach, expect, test } from "vitest";
import { texter } from "#core/parts.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";

let nest: TestNest;
beforeEach(async () => {
  nest = await startNest();
});
afterEach(() => nest.stop());

const sendNote = (note: "alreadyRegistered" | "registered", locale = "en") =>
  nest.gateway.part(texter).send({ to: "+6591234567", locale, text: { note }, domain: "beak.example" });

test("an SMS without a code names the app, and has no code and no link", async () => {
  await sendNote("alreadyRegistered");
  expect(nest.lastSms().text).toBe("You already have a Beak account with this number. Sign in with it.");
  await sendNote("registered", "de");
  expect(nest.lastSms().text).toBe("Willkommen bei Beak! Dein Konto ist bereit.");
});

test("an SMS without a code that the carrier refuses is delivery_failed", async () => {
  nest.sns.fault({ calls: 1, kind: "error" });
  await expect(sendNote("registered")).rejects.toMatchObject({ code: "delivery_failed" });
});
