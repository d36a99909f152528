import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import aws4 from "aws4";
import { _default, optional, refine, string } from "zod/mini";
import { ConfigError, type Environment, givenByLambda, localOnly, readConfig } from "#core/config.ts";
import { connectionsFor } from "#core/services/connections.ts";

/** Whether a URL points to loopback. */
export const isLoopback = (url: URL) => ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);

/** A replacement for AWS's own endpoint, for tests. Plain HTTP is allowed only on loopback. */
const endpoint = () =>
  localOnly(
    optional(
      string().check(
        refine((value) => {
          if (!URL.canParse(value)) return false;
          const url = new URL(value);
          return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url));
        }),
      ),
    ),
  );

/** Named as in the AWS SDKs. */
export const awsVariables = {
  AWS_REGION: givenByLambda(_default(string(), "eu-west-2")),
  AWS_ACCESS_KEY_ID: givenByLambda(optional(string())),
  AWS_SECRET_ACCESS_KEY: givenByLambda(optional(string())),
  AWS_SESSION_TOKEN: givenByLambda(optional(string())),
  AWS_ENDPOINT_URL: endpoint(),
  AWS_ENDPOINT_URL_SESV2: endpoint(),
  AWS_ENDPOINT_URL_SNS: endpoint(),
  AWS_ENDPOINT_URL_SSM: endpoint(),
};

/** The AWS services we call: signing name, host prefix and endpoint variable. SNS answers in XML, the others in JSON. */
const SERVICES = {
  ses: { host: "email", endpoint: "AWS_ENDPOINT_URL_SESV2" },
  sns: { host: "sns", endpoint: "AWS_ENDPOINT_URL_SNS" },
  ssm: { host: "ssm", endpoint: "AWS_ENDPOINT_URL_SSM" },
} as const;

export interface AwsRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
  /** Time for connecting, sending and reading together, in milliseconds. */
  limitMs: number;
}

/**
 * An error of an AWS service or of the network. `name` is the service's error type such as `MessageRejected`, the network
 * error code, or `TimeoutError`. The message can quote the request, so it must not be logged.
 */
export class AwsError extends Error {
  /** The HTTP status; null without a response. */
  readonly status: number | null;
  constructor(name: string, message: string, status: number | null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
    this.status = status;
  }
}

/** Sends signed requests (SigV4) to one AWS service, without the AWS SDK. */
export class AwsService {
  readonly #service: keyof typeof SERVICES;
  readonly #region: string;
  readonly #url: URL;
  readonly #credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };

  /** @throws ConfigError without credentials, unless the endpoint is on loopback */
  constructor(service: keyof typeof SERVICES, environment: Environment) {
    const config = readConfig(awsVariables, environment);
    const { host, endpoint: own } = SERVICES[service];
    this.#service = service;
    this.#region = config.AWS_REGION;
    this.#url = new URL(
      config[own] ?? config.AWS_ENDPOINT_URL ?? `https://${host}.${config.AWS_REGION}.amazonaws.com`,
    );
    this.#credentials = readCredentials(config, this.#url);
  }

  /**
   * Signs and posts one request (AWS Signature Version 4), in one attempt.
   * @returns the JSON of a 2xx; an empty object if the service answers in XML
   * @throws AwsError
   */
  async post({ path, headers, body, limitMs }: AwsRequest): Promise<unknown> {
    const options = {
      agent: connectionsFor(this.#url.protocol),
      hostname: this.#url.hostname.replace(/^\[|\]$/g, ""),
      port: this.#url.port,
      method: "POST",
      path,
      headers: this.sign({ path, headers, body }),
      signal: AbortSignal.timeout(Math.max(1, limitMs)),
    };
    const send = this.#url.protocol === "http:" ? httpRequest : httpsRequest;
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        send(options, resolve).on("error", reject).end(body);
      });
      return understand(response, await readAll(response));
    } catch (error) {
      throw toAwsError(error, options.signal);
    }
  }

  /** The headers of a signed POST, including `authorization`. */
  sign({ path, headers, body }: Omit<AwsRequest, "limitMs">): Record<string, string> {
    const signed = aws4.sign(
      {
        service: this.#service,
        region: this.#region,
        method: "POST",
        path,
        headers: { host: this.#url.host, ...headers },
        body,
      },
      this.#credentials,
    );
    return signed.headers as Record<string, string>;
  }
}

function readCredentials(
  config: {
    AWS_ACCESS_KEY_ID?: string | undefined;
    AWS_SECRET_ACCESS_KEY?: string | undefined;
    AWS_SESSION_TOKEN?: string | undefined;
  },
  url: URL,
) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = config;
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return { accessKeyId, secretAccessKey, sessionToken: config.AWS_SESSION_TOKEN };
  if (isLoopback(url)) return { accessKeyId: "local", secretAccessKey: "local" };
  throw new ConfigError(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function understand({ statusCode = 0, headers }: IncomingMessage, text: string): unknown {
  const json = text.startsWith("<") ? parseXml(text) : parse(text);
  if (statusCode >= 200 && statusCode < 300 && json !== null) return json;
  // The type is "MessageRejected:http://internal..." in a header, "com.amazonaws.ssm#ParameterNotFound" in a body.
  const type = headers["x-amzn-errortype"] ?? json?.__type ?? json?.code;
  const name = typeof type === "string" ? type.replace(/:.*$/s, "").replace(/^.*#/s, "") : "UnknownError";
  const message = json?.message ?? json?.Message;
  throw new AwsError(name, typeof message === "string" ? message : `status ${statusCode}`, statusCode);
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    return typeof value === "object" ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

/** Reads the error of an XML response (`ErrorResponse/Error`). Nothing is read from other responses. */
function parseXml(text: string): Record<string, unknown> {
  const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
  return { code: element("Code"), message: element("Message") };
}

function toAwsError(error: unknown, { aborted }: AbortSignal): AwsError {
  if (error instanceof AwsError) return error;
  if (aborted) return new AwsError("TimeoutError", "no answer in time", null, error);
  if (!(error instanceof Error)) return new AwsError("UnknownError", String(error), null);
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return new AwsError(code, error.message, null, error);
}
