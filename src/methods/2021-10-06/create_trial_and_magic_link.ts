/**
 * Starts a trial for an email address and sends the magic link that opens it.
 *
 * Until a link of the trial is redeemed or the trial is used, calling again sends a new link for the same trial.
 */
import { strictObject } from "zod/mini";
import { claimTrial } from "#core/billing/trials/claim_trial.ts";
import { readTrials } from "#core/billing/trials/read_trials.ts";
import { recordTrial, subscribeTrial } from "#core/billing/trials/subscribe_trial.ts";
import { byCaller } from "#core/events/event_source.ts";
import { billing, mailer, rateLimiter, stripe } from "#core/parts.ts";
import { settleAll } from "#core/settle.ts";
import { deviceFields, linkFields, readLinkRequest } from "#core/sign_in/link_request.ts";
import {
  checkLink,
  limitLinkRequest,
  mailLink,
  releaseIfRefused,
  storeLink,
} from "#core/sign_in/magic_link.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ ...linkFields, device: deviceFields });

export const handler = rpc({
  name: "create_trial_and_magic_link",
  version: "2021-10-06",
  summary: "Starts a trial for an email address and sends the magic link that opens it.",
  access: "public",
  request,
  response: null,
  errors: [
    "client_not_found",
    "invalid_redirect_uri",
    "invalid_email",
    "rate_limited",
    "already_subscribed",
    "trial_already_used",
    "stripe_error",
    "email_not_sent",
  ],
  parts: { billing, mailer, rateLimiter, stripe },
  async run({ core, request, caller, call }) {
    const checked = checkLink(core, readLinkRequest(request, caller));
    const { address } = checked;
    const machine = { beakId: request.device.beak_id, fingerprint: request.device.fingerprint };
    const allowed = await limitLinkRequest(core, checked, call, { isTrial: true });
    const link = await releaseIfRefused(core, allowed, async () => {
      const found = await readTrials(core, address.identity, machine);
      const trial = await claimTrial(core, { identity: address.identity, machine, found }, call);
      const made = await subscribeTrial(core, trial);
      const [stored] = await settleAll([
        storeLink(core, allowed, trial._id),
        recordTrial(core, trial, made, byCaller(caller, call)),
      ]);
      return stored;
    });
    await mailLink(core, link, call);
  },
});
