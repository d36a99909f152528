import type { TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";

/** Verifies the address of a signed-in person with the code of a mail. @throws Error if that fails */
export async function verifyOwnAddress(
  stack: TestStack,
  { client_id, address, headers }: { client_id: string; address: string; headers: { authorization: string } },
): Promise<void> {
  const asked = { client_id, identifier_type: "email", identifier_value: address, delivery: "code" };
  const sent = await stack.ask("POST", `${V3}send_verification`, asked, headers);
  const text = stack.ses.inbox.findLast(({ to }) => to === address)?.text ?? "";
  const proof = { client_id, nonce: sent.body?.nonce, code: /\b\d{6}\b/.exec(text)?.[0] };
  const { status, body } = await stack.ask("POST", `${V3}verify_identifier`, proof, headers);
  if (status !== 200) throw new Error(JSON.stringify([sent.body, body]));
}
