import { expect, test } from "vitest";
import { newWebhookSecret, WebhookKeys } from "#core/webhooks/webhook_keys.ts";

const [old, next] = [
  { id: "1", key: "1".repeat(64) },
  { id: "2", key: "2".repeat(64) },
] as const;
const secret = newWebhookSecret();

test("decrypts what the newest key and an older key encrypted", () => {
  const sealed = new WebhookKeys([old]).seal("webhook_a", secret);
  const keys = new WebhookKeys([next, old]);
  expect(sealed).toMatch(/^1\./);
  expect(keys.open("webhook_a", sealed)).toBe(secret);
  expect(keys.seal("webhook_a", secret)).toMatch(/^2\./);
  expect(keys.seal("webhook_a", secret)).not.toBe(keys.seal("webhook_a", secret));
});

test("refuses a secret of another webhook, a changed one, and one of a key that is gone", () => {
  const keys = new WebhookKeys([old]);
  const sealed = keys.seal("webhook_a", secret);
  const changed = sealed.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  for (const [id, value] of [
    ["webhook_b", sealed],
    ["webhook_a", changed],
    ["webhook_a", "1."],
    ["webhook_a", ""],
  ] as const)
    expect(() => keys.open(id, value)).toThrow(expect.objectContaining({ code: "unavailable" }));
  expect(() => new WebhookKeys([next]).open("webhook_a", sealed)).toThrow(
    expect.objectContaining({ detail: "WEBHOOK_KEYS lacks the key 1" }),
  );
});
