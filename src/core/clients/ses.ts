import { SESv2Client } from "@aws-sdk/client-sesv2";

/** Connecting takes at most this long; the mailer bounds the whole call. */
const CONNECTION_TIMEOUT_MS = 1_000;

const isLoopback = (endpoint: string) =>
  ["127.0.0.1", "localhost", "[::1]"].includes(new URL(endpoint).hostname);

/**
 * Opens SES v2. One attempt a mail: SendEmail is not idempotent, and the person can simply ask again.
 * @param endpoint another SES to talk to, such as the local stack's; credentials are made up only for a loopback one
 */
export function openSes({
  endpoint,
  region,
}: {
  endpoint?: string | undefined;
  region: string;
}): SESv2Client {
  return new SESv2Client({
    region,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(endpoint !== undefined && isLoopback(endpoint)
      ? { credentials: { accessKeyId: "local", secretAccessKey: "local" } }
      : {}),
  });
}
