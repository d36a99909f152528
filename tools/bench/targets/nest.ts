import type { OpenTarget } from "#tools/bench/target.ts";
import { type IncomingCall, openGateway } from "#tools/local/gateway.ts";

/** Nest's real handlers behind API Gateway's routing. Log lines are built and discarded. */
export const openTarget: OpenTarget<IncomingCall> = async (settings) => {
  const gateway = await openGateway(settings, { write: () => undefined });
  return {
    async invoke({ body, ...call }) {
      const answer = await gateway.invoke({
        ...call,
        body: body && Buffer.from(body.buffer, body.byteOffset, body.length),
      });
      return { status: answer.statusCode ?? 0, body: answer.body };
    },
    close: () => gateway.close(),
  };
};
