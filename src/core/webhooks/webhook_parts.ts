import { ConfigError, type Environment, readConfig } from "#core/config.ts";
import type { Foundation, Part } from "#core/core.ts";
import { Receiver, receiverVariables } from "#core/services/receiver.ts";
import { ReceiverHosts } from "#core/services/receiver_hosts.ts";
import { WebhookKeys, webhookKeyVariables } from "#core/webhooks/webhook_keys.ts";

/** Posts messages to webhooks. */
export const receiver = {
  variables: receiverVariables,
  open(environment: Environment, { core: { stage } }: Foundation) {
    const { WEBHOOK_ALLOW_HOSTS } = readConfig(receiverVariables, environment);
    if (WEBHOOK_ALLOW_HOSTS.length > 0 && stage !== "local")
      throw new ConfigError(["WEBHOOK_ALLOW_HOSTS"], `set with STAGE=${stage}; it is for tests only`);
    return new Receiver(new ReceiverHosts(WEBHOOK_ALLOW_HOSTS));
  },
} satisfies Part<Receiver>;

/** Encrypts and decrypts the secrets of webhooks. */
export const webhookKeys = {
  variables: webhookKeyVariables,
  open: (environment: Environment) =>
    new WebhookKeys(readConfig(webhookKeyVariables, environment).WEBHOOK_KEYS),
} satisfies Part<WebhookKeys>;
