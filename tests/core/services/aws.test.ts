import { createHash, createHmac } from "node:crypto";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, test } from "vitest";
import { ConfigError } from "#core/config.ts";
import { type AwsError, AwsService } from "#core/services/aws.ts";
import { Ses } from "#core/services/ses.ts";
import { type RecordedRequest, startRecordingServer } from "#tests/support/recording_server.ts";
import { startSesDouble } from "#tools/local/ses_double.ts";
import { freePort } from "#tools/machine/child_process.ts";

const REGION = "eu-west-2";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret+/key", sessionToken: "to/ken==" };
const environmentFor = (url: string) => ({
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_SESSION_TOKEN: credentials.sessionToken,
  AWS_ENDPOINT_URL: url,
});
const sdk = (endpoint: string) => new SESv2Client({ endpoint, region: REGION, credentials, maxAttempts: 1 });

const mail = {
  from: "Beak App <no-reply@getbeak.app>",
  replyTo: "help@getbeak.app",
  to: "ada@example.com",
  subject: "Välkommen 🐦",
  html: "<p>Text &amp; more</p>",
  text: "Text & more\n",
};
const part = (Data: string) => ({ Data, Charset: "UTF-8" });
const command = new SendEmailCommand({
  FromEmailAddress: mail.from,
  ReplyToAddresses: [mail.replyTo],
  Destination: { ToAddresses: [mail.to] },
  Content: {
    Simple: { Subject: part(mail.subject), Body: { Html: part(mail.html), Text: part(mail.text) } },
  },
  ConfigurationSetName: "nest-nonprod",
});

const one = ([request, ...others]: RecordedRequest[]) => {
  expect(others).toEqual([]);
  return request as RecordedRequest;
};
const instantOf = (stamp = "") =>
  new Date(
    stamp.replace(/^(....)(..)(..T..)(..)(..Z)$/, (_all, y, m, d, min, s) => `${y}-${m}-${d}:${min}:${s}`),
  );

describe("a signed request compared with the AWS SDK's", () => {
  const accept = () => startRecordingServer((response) => response.end('{"MessageId":"m1"}'));

  test("has the same HTTP method, path, content type and body", async () => {
    await using server = await accept();
    await new Ses(environmentFor(server.url), "nest-nonprod").sendEmail(mail, 2_000);
    const ours = one(server.requests.splice(0));
    await sdk(server.url).send(command);
    const theirs = one(server.requests);
    expect({ method: ours.method, path: ours.path }).toEqual({ method: theirs.method, path: theirs.path });
    expect(ours.headers["content-type"]).toBe(theirs.headers["content-type"]);
    expect(JSON.parse(ours.body)).toEqual(JSON.parse(theirs.body));
    expect(ours.headers["x-amz-security-token"]).toBe(credentials.sessionToken);
  });

  test("gets the same signature from the SDK's signer", async () => {
    await using server = await accept();
    await new Ses(environmentFor(server.url)).sendEmail(mail, 2_000);
    const { method, path, headers, body } = one(server.requests);
    const signer = new SignatureV4({
      service: "ses",
      region: REGION,
      credentials,
      applyChecksum: false,
      sha256: class {
        #hash;
        constructor(key?: string | ArrayBuffer | ArrayBufferView) {
          const secret = ArrayBuffer.isView(key)
            ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength)
            : key instanceof ArrayBuffer
              ? new Uint8Array(key)
              : key;
          this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret);
        }
        update(data: Uint8Array) {
          this.#hash.update(data);
        }
        async digest() {
          return new Uint8Array(this.#hash.digest());
        }
        reset() {}
      },
    });
    const { authorization, connection: _connection, "x-amz-security-token": _token, ...signed } = headers;
    const url = new URL(server.url);
    const theirs = await signer.sign(
      {
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        port: Number(url.port),
        path,
        headers: signed as Record<string, string>,
        body,
      },
      { signingDate: instantOf(String(headers["x-amz-date"])) },
    );
    expect(authorization).toBe(theirs.headers.authorization);
  });

  test("our signer gives the SDK's request the same signature", async () => {
    await using server = await accept();
    await sdk(server.url).send(command);
    const { path, headers, body } = one(server.requests);
    const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1]?.split(";") ?? [];
    expect(names).toContain("content-type");
    const signed = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
    const ours = new AwsService("ses", environmentFor(server.url)).sign({ path, headers: signed, body });
    expect(ours.Authorization).toBe(headers.authorization);
  });
});

describe("errors", () => {
  const failureOf = (sending: Promise<unknown>) =>
    sending.then(
      () => expect.unreachable(),
      (error: AwsError) => error,
    );

  test.each(["error", "rate_limited", "rejected"] as const)(
    "an SES that refuses (%s) is an error of the name that the SDK gives it",
    async (kind) => {
      const double = await startSesDouble();
      double.fault({ calls: 2, kind });
      const ours = await failureOf(new Ses(environmentFor(double.url)).sendEmail(mail, 2_000));
      const theirs = (await failureOf(sdk(double.url).send(command))) as unknown as {
        name: string;
        $metadata: { httpStatusCode: number };
      };
      expect({ name: ours.name, status: ours.status }).toEqual({
        name: theirs.name,
        status: theirs.$metadata.httpStatusCode,
      });
      await double.close();
    },
  );

  test.each([
    [
      "a type with its address",
      { "x-amzn-errortype": "MessageRejected:http://internal/" },
      "{}",
      "MessageRejected",
    ],
    ["a type in the body", {}, '{"__type":"com.amazonaws.ssm#ThrottlingException"}', "ThrottlingException"],
    ["no type", {}, '{"message":"Bad"}', "UnknownError"],
    ["no JSON", {}, "<html>", "UnknownError"],
  ])("reads the error type from %s", async (_case, headers, body, name) => {
    await using server = await startRecordingServer((response) => response.writeHead(400, headers).end(body));
    const ses = new Ses(environmentFor(server.url));
    expect(await failureOf(ses.sendEmail(mail, 2_000))).toMatchObject({ name, status: 400 });
  });

  test("a mail is posted once, whatever the outcome", async () => {
    const ways: ((response: import("node:http").ServerResponse) => void)[] = [
      (response) => response.writeHead(500).end("{}"),
      (response) => response.writeHead(429, { "x-amzn-errortype": "TooManyRequestsException" }).end("{}"),
      (response) => response.socket?.destroy(),
      (response) => response.writeHead(200).write('{"Message') && response.socket?.destroy(),
    ];
    for (const way of ways) {
      let answered = 0;
      await using server = await startRecordingServer((response) =>
        // The first request succeeds, so that the second reuses its connection.
        answered++ === 0 ? response.end("{}") : way(response),
      );
      const ses = new Ses(environmentFor(server.url));
      await ses.sendEmail(mail, 2_000);
      await failureOf(ses.sendEmail(mail, 2_000));
      expect(server.requests).toHaveLength(2);
    }
  });

  test("a response that is late or stops in the middle is a TimeoutError", async () => {
    for (const hang of [false, true]) {
      await using server = await startRecordingServer(
        (response) => hang && response.writeHead(200).write("{"),
      );
      const ses = new Ses(environmentFor(server.url));
      expect(await failureOf(ses.sendEmail(mail, 100))).toMatchObject({ name: "TimeoutError", status: null });
    }
  });

  test("a refused connection has the network error's code as its name", async () => {
    const ses = new Ses(environmentFor(`http://127.0.0.1:${await freePort()}`));
    expect(await failureOf(ses.sendEmail(mail, 2_000))).toMatchObject({ name: "ECONNREFUSED", status: null });
  });
});

describe("endpoints", () => {
  test("without credentials only a loopback endpoint is accepted", () => {
    expect(() => new Ses({ AWS_REGION: REGION })).toThrow(ConfigError);
    expect(() => new Ses({ AWS_ENDPOINT_URL: "https://aws.example" })).toThrow(/AWS_ACCESS_KEY_ID/);
    expect(() => new Ses({ AWS_ENDPOINT_URL: "http://127.0.0.1:1" })).not.toThrow();
  });

  test("an endpoint on another host must use TLS", () => {
    expect(() => new Ses(environmentFor("http://aws.example"))).toThrow(/AWS_ENDPOINT_URL/);
    expect(() => new Ses(environmentFor("https://aws.example"))).not.toThrow();
  });

  test("the endpoint is the service's own variable, else the general one, else AWS", async () => {
    const hostOf = (environment: Record<string, string>, service: "ses" | "ssm") =>
      new AwsService(service, environment).sign({ path: "/", headers: {}, body: "{}" }).host;
    const { AWS_ENDPOINT_URL: _url, ...real } = environmentFor("");
    expect(hostOf(real, "ses")).toBe("email.eu-west-2.amazonaws.com");
    expect(hostOf(real, "ssm")).toBe("ssm.eu-west-2.amazonaws.com");
    const both = { ...environmentFor("http://127.0.0.1:1"), AWS_ENDPOINT_URL_SSM: "http://127.0.0.1:2" };
    expect([hostOf(both, "ses"), hostOf(both, "ssm")]).toEqual(["127.0.0.1:1", "127.0.0.1:2"]);
  });
});
