import { strictObject } from "zod/mini";
import { readFacts } from "#core/billing/trials/claim_trial.ts";
import { judgeTrial } from "#core/billing/trials/judge_trial.ts";
import { readTrials } from "#core/billing/trials/read_trials.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { deviceFields } from "#core/sign_in/link_request.ts";
import { parseAddress } from "#core/users/address.ts";
import { typedAddress } from "#core/wire.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import { buildTimeline } from "#tools/local/dev/timeline.ts";
import type { SesDouble } from "#tools/local/ses_double.ts";

const trialQuestion = strictObject({ address: typedAddress(), device: deviceFields });

/** The route that says whether Nest would give an address and a device a trial. It starts none. */
export function trialRoute(core: Core): DevRoute {
  return route("POST", "/dev/trial", trialQuestion, async ({ address, device }) => {
    const machine = { beakId: device.beak_id, fingerprint: device.fingerprint };
    const found = await readTrials(core, parseAddress(address).identity, machine);
    const judgement = judgeTrial(await readFacts(core, found), core.clock.now());
    return { verdict: "code" in judgement ? judgement.code : "available" };
  });
}

/** The route that returns the timeline of a user's subscriptions. */
export function timelineRoute(core: Core, stripe: StripeDouble, { inbox }: SesDouble): DevRoute {
  return route("GET", "/dev/users/:id/timeline", null, async (_, id) => {
    const [identifiers, mapping] = await Promise.all([
      core.identifiers.listByUser(id),
      core.providerMappings.findByUser(id),
    ]);
    if (identifiers.length === 0) throw new NestError("not_found");
    const addresses = identifiers.map(({ identifierValue }) => identifierValue);
    return buildTimeline({ stripe, inbox }, addresses, mapping?.providerValue ?? null);
  });
}
