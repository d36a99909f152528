import { expect, test } from "vitest";
import { generateKeySet } from "#core/keys/key_rotation.ts";
import { hashSecret, newSecret } from "#core/secrets.ts";
import { formProblem } from "#tools/stage/config/secret_forms.ts";

const keySet = JSON.stringify(await generateKeySet(new Date()));
const secret = newSecret();

test.each([
  ["MONGODB_URI", "mongodb+srv://nest:hunter2@cluster.getbeak.app/nest"],
  ["STRIPE_SECRET_KEY", `sk_live_${secret}`],
  ["STRIPE_SECRET_KEY", `rk_test_${secret}`],
  ["STRIPE_WEBHOOK_SECRETS", `whsec_${secret}`],
  ["STRIPE_WEBHOOK_SECRETS", `whsec_${secret}, whsec_${newSecret()}`],
  ["SIGNING_KEYS", keySet],
  ["REFRESH_KEYS", JSON.stringify([{ id: "1", key: secret }])],
  ["INTERNAL_KEYS", hashSecret(secret)],
  ["INTERNAL_KEYS", `${hashSecret(secret)},${hashSecret(newSecret())}`],
  ["INTERNAL_KEYS", JSON.stringify([{ name: "billing", hash: hashSecret(secret) }])],
  ["RATE_LIMIT_KEY", secret],
  ["CAPTCHA_SECRETS", "{}"],
  ["OAUTH_CREDENTIALS", "{}"],
  ["OAUTH_CREDENTIALS", JSON.stringify({ google: { clientId: "nest", clientSecret: secret } })],
  ["CAPTCHA_SECRETS", JSON.stringify({ acme_web: secret })],
])("%s may have the form of %s", (name, value) => {
  expect(formProblem(name, value)).toBeNull();
});

test.each([
  ["MONGODB_URI", "https://cluster.getbeak.app/nest", "must start with mongodb://"],
  ["MONGODB_URI", "cluster.getbeak.app", "must start with mongodb://"],
  ["MONGODB_URI", "mongodb+srv://nest:hunt%er2@cluster.getbeak.app/nest", "can't be parsed"],
  ["MONGODB_URI", "mongodb://nest:hunter2@db.getbeak.app/nest?tls=maybe", "can't be parsed"],
  ["MONGODB_URI", "mongodb://nest:hunter2@db.getbeak.app/nest", "has no TLS"],
  ["STRIPE_SECRET_KEY", `pk_test_${secret}`, "is a publishable key"],
  ["STRIPE_SECRET_KEY", `whsec_${secret}`, "is a webhook secret"],
  ["STRIPE_SECRET_KEY", "sk_test_short", "must be one Stripe key"],
  ["STRIPE_SECRET_KEY", `sk_test_${secret},sk_test_${secret}`, "must be one Stripe key"],
  ["STRIPE_WEBHOOK_SECRETS", `sk_test_${secret}`, "must be a webhook secret"],
  ["STRIPE_WEBHOOK_SECRETS", `whsec_${secret},${secret}`, "value 2 must be a webhook secret"],
  ["STRIPE_WEBHOOK_SECRETS", `whsec_${secret},`, "value 2 must be"],
  ["SIGNING_KEYS", secret, "is not JSON"],
  ["SIGNING_KEYS", keySet.slice(0, -1), "is not JSON"],
  ["SIGNING_KEYS", "null", "must be a set of signing keys"],
  ["SIGNING_KEYS", JSON.stringify(JSON.parse(keySet).keys), "must be a set of signing keys"],
  ["SIGNING_KEYS", '{"keys":[]}', "must be a set of signing keys"],
  ["SIGNING_KEYS", '{"keys":[null]}', "must be a set of signing keys"],
  ["REFRESH_KEYS", secret, "is not JSON"],
  ["REFRESH_KEYS", JSON.stringify([secret]), "must be a list of refresh keys"],
  ["REFRESH_KEYS", "[]", "must be a list of refresh keys"],
  ["INTERNAL_KEYS", `internal ${secret}`, "must be the SHA-256 of a key"],
  ["INTERNAL_KEYS", `${hashSecret(secret)},${secret.toUpperCase()}!`, "value 2 must be the SHA-256"],
  ["INTERNAL_KEYS", '[{"name":"billing"}]', "must be a list of keys"],
  ["INTERNAL_KEYS", `[{"name":"billing","hash":"${secret}"`, "is not JSON"],
  ["RATE_LIMIT_KEY", secret.slice(0, 31), "at least 32 characters"],
  ["CAPTCHA_SECRETS", secret, "is not JSON"],
  ["OAUTH_CREDENTIALS", secret, "is not JSON"],
  ["OAUTH_CREDENTIALS", JSON.stringify({ google: secret }), "must be an object"],
  ["CAPTCHA_SECRETS", JSON.stringify([secret]), "must be an object of secrets"],
  ["CAPTCHA_SECRETS", JSON.stringify({ acme_web: "" }), "must be an object of secrets"],
  ["RATE_LIMIT_KEY", `"${secret}"`, "is in quotation marks"],
  ["STRIPE_SECRET_KEY", `'sk_test_${secret}'`, "is in quotation marks"],
  ["STRIPE_SECRET_KEY", `sk_test_${secret}\n`, "begins or ends with a space"],
])("%s of the form %s is refused with a reason that does not quote it", (name, value, reason) => {
  const problem = formProblem(name, value);
  expect(problem).toContain(reason);
  for (const part of [value, secret, "hunter2", "hunt%er2"]) expect(problem).not.toContain(part);
});
