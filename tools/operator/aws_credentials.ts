import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import type { Environment } from "#core/config.ts";

const LOCAL_ENDPOINTS = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SESV2"];

/**
 * Adds the AWS credentials that the AWS SDK finds (a profile, a login) to an environment, because functions read only
 * the variables. An environment that already has credentials, or that uses a double of AWS, is returned unchanged.
 */
export async function withAwsCredentials(environment: Environment): Promise<Environment> {
  if (environment.AWS_ACCESS_KEY_ID || LOCAL_ENDPOINTS.some((name) => environment[name])) return environment;
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = await fromNodeProviderChain()();
    return {
      ...environment,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    };
  } catch {
    // The command that needs credentials reports that they are missing.
    return environment;
  }
}
