import type { Scenario } from "#tests/faults/scenario.ts";
import { NOWHERE, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { addWebhook, callWebhooks, sendTest } from "#tests/support/webhooks.ts";

const URL = `http://${NOWHERE}/`;

/** The events of a webhook that a scenario creates. */
const CREATED = ["user.created"];
/** The webhook of the newest scenario of each Nest, which runs one at a time. */
const latest = new WeakMap<TestNest, string>();

/** The body of a call, which names a webhook that no other scenario uses. */
type BodyOf = (webhook_id: string, nest: TestNest) => object | Promise<object>;

/** A call of an administrator about a webhook. */
const administers = (method: string, bodyOf: BodyOf, kind?: string): Scenario => ({
  path: `${V3}${method}`,
  ...(kind && { kind }),
  async prepare({ nest }) {
    // Else earlier scenarios use up the 20 webhooks of an app. Those of other Nests are being used.
    const earlier = [{ _id: latest.get(nest) ?? "" }, { eventTypes: CREATED }];
    await nest.collection("webhooks").deleteMany({ $or: earlier });
    const { id } = await addWebhook(nest, { url: URL, events: ["*"] });
    latest.set(nest, id);
    const body = await bodyOf(id, nest);
    return () => callWebhooks(nest, method, body);
  },
});

/** Calls of the methods of webhooks. */
export const WEBHOOK_SCENARIOS: readonly Scenario[] = [
  administers("list_webhooks", () => ({})),
  administers("create_webhook", () => ({ url: URL, events: CREATED })),
  administers("update_webhook", (webhook_id) => ({ webhook_id, events: ["user.deleted"] })),
  administers("update_webhook", (webhook_id) => ({ webhook_id, enabled: false }), "disables"),
  administers("rotate_webhook_secret", (webhook_id) => ({ webhook_id })),
  administers("send_test_webhook", (webhook_id) => ({ webhook_id })),
  administers("list_webhook_deliveries", async (webhook_id, nest) => {
    await sendTest(nest, webhook_id);
    return { webhook_id };
  }),
  administers("retry_webhook_delivery", async (webhook_id, nest) => ({
    delivery_id: await sendTest(nest, webhook_id),
  })),
  administers("delete_webhook", (webhook_id) => ({ webhook_id })),
];
