/**
 * Lists the plans that a user can buy.
 *
 * Names are in the client's language. The amounts come from the app file; Stripe decides what is charged.
 */
import { array, int, nullable, strictObject, string } from "zod/mini";
import { offeredPlans } from "#core/billing/plans/plans.ts";
import { billing } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ client_id: text() });
export const response = array(
  strictObject({
    id: string(),
    name: string(),
    interval: string(),
    currency: string(),
    unit_amount: int(),
    trial_days: nullable(int()),
    features: array(string()),
  }),
);

export const handler = rpc({
  name: "list_plans",
  version: "2026-12-01",
  summary: "Lists the plans that a user can buy.",
  access: "public",
  request,
  response,
  errors: ["client_not_found"],
  parts: { billing },
  async run({ core, request: { client_id } }) {
    const { locale } = core.oauthClients.require(client_id);
    return offeredPlans(core).map(({ id, name, interval, amount, trialDays, features }) => ({
      id,
      name: name[locale] ?? id,
      interval,
      currency: amount.currency,
      unit_amount: amount.unitAmount,
      trial_days: trialDays,
      features: [...features],
    }));
  },
});
