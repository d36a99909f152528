import type { Command } from "commander";
import { NestError } from "#core/errors.ts";
import { BY_OPERATOR } from "#core/events/event_source.ts";
import {
  DELIVERY_STATUSES,
  type DeliveryStatus,
  type WebhookDelivery,
} from "#core/repositories/webhook_deliveries.ts";
import { listDeliveries, retryDelivery } from "#core/webhooks/deliveries.ts";
import { deliveryToWire, webhookToWire } from "#core/webhooks/webhook_view.ts";
import { readLimit } from "#tools/operator/limit.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

/** `webhooks list | deliveries | retry`. */
export function webhookCommands(program: Command): void {
  const webhooks = program.command("webhooks").description("URLs that get events, and what was sent to them");
  const list = webhooks.command("list").description("lists the webhooks, and since when each fails");
  examples(list, ["webhooks list", "webhooks list --json"]);
  act(list, (terminal) =>
    withAccounts(terminal, async (core) => {
      const found = await core.webhooks.list();
      const rows = found.map(({ _id, url, eventTypes, enabled, disabledReason, failingSince }) => [
        ...[_id, url, eventTypes.join(" ")],
        enabled ? "enabled" : `disabled${disabledReason === null ? "" : ` (${disabledReason})`}`,
        failingSince ?? "-",
      ]);
      const head = ["webhook", "url", "events", "state", "failing since"];
      terminal.show(found.map(webhookToWire), rows.length > 0 ? table(rows, head) : "There is no webhook.");
    }),
  );
  deliveryCommands(webhooks);
}

function deliveryCommands(webhooks: Command): void {
  const deliveries = webhooks
    .command("deliveries")
    .argument("<webhook>", "the id of a webhook")
    .option("--status <status>", `only deliveries that are ${DELIVERY_STATUSES.join(", ")}`)
    .option("--limit <number>", "how many", "50")
    .description("lists the deliveries of a webhook, newest first");
  examples(deliveries, ["webhooks deliveries webhook_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp --status failed"]);
  act(deliveries, (terminal, webhookId: string, options: { status?: string; limit: string }) =>
    withAccounts(terminal, async (core) => {
      const query = { webhookId, status: readStatus(options.status), userId: undefined };
      const page = { limit: readLimit(options.limit, 1_000), after: null };
      const listing = listDeliveries(core, query, page, { method: "webhooks deliveries" });
      const { items } = await explained(listing, {
        webhook_not_found: `There is no webhook ${webhookId}. \`webhooks list\` lists them.`,
      });
      const head = ["delivery", "event", "created", "status", "attempts", "last", "next"];
      const shown = items.length > 0 ? table(items.map(rowOf), head) : "There is no such delivery.";
      terminal.show(items.map(deliveryToWire), shown);
    }),
  );

  const retry = webhooks
    .command("retry")
    .argument("<delivery>", "the id of a delivery")
    .description("sends a delivery again within a minute, under the same message id");
  examples(retry, ["webhooks retry whdel_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys"]);
  act(retry, (terminal, id: string) =>
    withAccounts(terminal, async (core) => {
      const delivery = await explained(retryDelivery(core, id, BY_OPERATOR), {
        delivery_not_found: `There is no delivery ${id}. Deliveries are kept for 30 days; \`webhooks deliveries <webhook>\` lists them.`,
        webhook_disabled: `The webhook of ${id} is disabled. Enable it first with update_webhook.`,
      });
      terminal.show(deliveryToWire(delivery), `${id} is sent again within a minute.`);
    }),
  );
}

/** @throws CommandError with the sentence of an error's code */
async function explained<Value>(work: Promise<Value>, sentences: Record<string, string>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    const sentence = error instanceof NestError ? sentences[error.code] : undefined;
    throw sentence === undefined ? error : new CommandError(sentence);
  }
}

function rowOf({ _id, eventType, createdAt, status, attempts, nextAttemptAt }: WebhookDelivery): string[] {
  const last = attempts.at(-1);
  const answer = last === undefined ? "-" : String(last.status ?? last.error);
  return [_id, eventType, createdAt, status, String(attempts.length), answer, nextAttemptAt ?? "-"];
}

/** @throws CommandError */
function readStatus(typed: string | undefined): DeliveryStatus | undefined {
  const known = DELIVERY_STATUSES.find((status) => status === typed);
  if (typed !== undefined && known === undefined)
    throw new CommandError(`No status ${typed}. Statuses: ${DELIVERY_STATUSES.join(", ")}.`);
  return known;
}
