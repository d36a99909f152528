import { expect, test } from "vitest";
import { callBack, newPerson, startBody, startWithProviders } from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";

const nest = await startWithProviders();

test.each([
  ["Agree", {}, null],
  ["Decline", { answer: "denied", email: "" }, "access_denied"],
])("the page of the provider double: %s leads back to the client", async (name, change, error) => {
  const started = await nest.call(`${V3}start_oauth`, startBody());
  const url = new URL(started.body.authorization_url);
  expect(await (await fetch(url)).text()).toContain(`>${name}</button>`);

  const fields = { email: newPerson().email, email_verified: "true", ...change };
  for (const [field, value] of Object.entries(fields)) url.searchParams.set(field, String(value));
  const answer = await fetch(url, { redirect: "manual" });
  const back = await callBack(nest, { url: answer.headers.get("location") ?? "", form: null });

  expect([back.status, back.error]).toEqual([302, error]);
  expect(back.code === null).toBe(error !== null);
});
