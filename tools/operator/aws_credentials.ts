import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import type { Environment } from "#core/config.ts";

const LOCAL_ENDPOINTS = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SESV2"];

/**
 * An environment with the AWS credentials that a person has, from wherever the AWS SDK finds them (a profile, a login);
 * functions know the variables only. One that has some, or that asks another AWS, is left as it is.
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
    // Whoever needs them says so.
    return environment;
  }
}
