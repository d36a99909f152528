import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { describe, expect, test } from "vitest";
import { Sns } from "#core/services/sns.ts";
import { startRecordingServer } from "#tests/support/recording_server.ts";
import { startSnsDouble } from "#tools/local/sns_double.ts";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token" };
const environmentFor = (url: string) => ({
  AWS_REGION: "eu-west-2",
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_SESSION_TOKEN: credentials.sessionToken,
  AWS_ENDPOINT_URL_SNS: url,
});
const sms = { to: "+6591234567", text: "042917 is your Beak code. Ünïcode & more = +\n\n@a.example #042917" };
const command = new PublishCommand({
  PhoneNumber: sms.to,
  Message: sms.text,
  MessageAttributes: {
    "AWS.SNS.SMS.SMSType": { DataType: "String", StringValue: "Transactional" },
    "AWS.SNS.SMS.SenderID": { DataType: "String", StringValue: "Beak" },
  },
});
const sdk = (endpoint: string) =>
  new SNSClient({ endpoint, region: "eu-west-2", credentials, maxAttempts: 1 });

describe("a request to SNS", () => {
  test("has the same path, content type and fields as the AWS SDK's", async () => {
    await using server = await startRecordingServer((response) =>
      response.end(
        "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>",
      ),
    );
    await new Sns(environmentFor(server.url), "Beak").sendSms(sms, 2_000);
    await sdk(server.url).send(command);
    const [ours, theirs] = server.requests;
    expect(ours?.path).toBe(theirs?.path);
    expect(ours?.headers["content-type"]).toBe(theirs?.headers["content-type"]);
    const fields = (body = "") => Object.fromEntries(new URLSearchParams(body));
    expect(fields(ours?.body)).toEqual(fields(theirs?.body));
    expect(ours?.headers.authorization).toMatch(
      /Credential=AKIDEXAMPLE\/\d{8}\/eu-west-2\/sns\/aws4_request/,
    );
    expect(ours?.headers["x-amz-security-token"]).toBe("token");
  });

  test("leaves out the sender if none is configured", async () => {
    const double = await startSnsDouble();
    await new Sns(environmentFor(double.url)).sendSms(sms, 2_000);
    await new Sns(environmentFor(double.url), "Beak").sendSms(sms, 2_000);
    expect(double.inbox.map(({ sender_id }) => sender_id)).toEqual([null, "Beak"]);
    expect(double.inbox[0]).toMatchObject(sms);
    await double.close();
  });
});

describe("the SNS double", () => {
  test("accepts the SMS of the unmodified SDK", async () => {
    const double = await startSnsDouble();
    expect(await sdk(double.url).send(command)).toMatchObject({ MessageId: expect.any(String) });
    expect(double.inbox).toMatchObject([{ ...sms, sender_id: "Beak" }]);
    await double.close();
  });

  test.each([
    ["error", "InternalFailure", 500],
    ["rate_limited", "Throttling", 400],
    ["rejected", "OptedOut", 400],
  ] as const)("fails with %s as the SDK and we read it", async (kind, name, status) => {
    const double = await startSnsDouble();
    double.fault({ calls: 2, kind });
    await expect(new Sns(environmentFor(double.url)).sendSms(sms, 2_000)).rejects.toMatchObject({
      name,
      status,
    });
    await expect(sdk(double.url).send(command)).rejects.toMatchObject({
      $metadata: { httpStatusCode: status },
    });
    await new Sns(environmentFor(double.url)).sendSms(sms, 2_000);
    expect(double.inbox).toHaveLength(1);
    await double.close();
  });

  test("refuses a number that is not in E.164, an empty text, and a request without a signature", async () => {
    const double = await startSnsDouble();
    const send = (change: Partial<typeof sms>) =>
      new Sns(environmentFor(double.url)).sendSms({ ...sms, ...change }, 2_000);
    await expect(send({ to: "6591234567" })).rejects.toMatchObject({ name: "InvalidParameter" });
    await expect(send({ text: "" })).rejects.toMatchObject({ name: "InvalidParameter" });
    expect((await fetch(double.url, { method: "POST", body: "Action=Publish" })).status).toBe(403);
    expect(double.inbox).toEqual([]);
    await double.close();
  });

  test("that does not respond makes the request end in time", async () => {
    const double = await startSnsDouble();
    double.fault({ calls: 1, kind: "hang" });
    await expect(new Sns(environmentFor(double.url)).sendSms(sms, 50)).rejects.toMatchObject({
      name: "TimeoutError",
    });
    await double.close();
  });
});
