import { expect, test } from "vitest";
import { runCli } from "#tests/support/cli.ts";
import { codeRequest, digitsIn, PHONE } from "#tests/support/codes.ts";
import { startTestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";

test("lists the SMS of the local stack, whose faults and inbox scripts control", async () => {
  await using stack = await startTestStack();
  const list = (...options: string[]) =>
    runCli([...options, "sms", "list"], { PORT: new URL(stack.api.url).port });
  expect(await list()).toEqual({ status: 0, printed: "There are no SMS.\n" });
  const send = () => stack.ask("POST", `${V3}send_otp`, codeRequest());
  expect((await stack.ask("POST", "/dev/sms/faults", { calls: 1, kind: "rejected" })).status).toBe(204);
  expect((await send()).body.code).toBe("delivery_failed");
  expect((await send()).status).toBe(200);
  const [sms] = (await stack.ask("GET", "/dev/sms")).body;
  const code = digitsIn(sms.text);
  const { status, printed } = await list();
  expect([status, printed]).toEqual([0, expect.stringMatching(`${PHONE.slice(1)}.*${code} is your`)]);
  expect(JSON.parse((await list("--json")).printed)).toEqual([sms]);
  expect((await stack.ask("DELETE", "/dev/sms")).status).toBe(204);
  expect((await list()).printed).toBe("There are no SMS.\n");
});

test("says that no local stack runs", async () => {
  const { status, printed } = await runCli(["sms", "list"], { PORT: "9" });
  expect([status, printed]).toEqual([
    1,
    expect.stringMatching(/^No local stack responds at .*:9\. Start one/),
  ]);
});
