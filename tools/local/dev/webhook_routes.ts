import { record, string, unknown } from "zod/mini";
import { type DevRoute, route } from "#tools/local/dev/route.ts";

/** The most messages that are kept, the newest. */
const KEPT = 100;

/** Routes that receive messages of webhooks, and list them. They do not verify signatures. */
export function webhookRoutes(): DevRoute[] {
  const items: { received_at: string; message: Record<string, unknown> }[] = [];
  return [
    route("POST", "/dev/webhooks", record(string(), unknown()), (message) => {
      items.unshift({ received_at: new Date().toISOString(), message });
      items.splice(KEPT);
    }),
    route("GET", "/dev/webhooks", null, () => ({ items })),
  ];
}
