import type { Call, Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { ConsentLevel, MarketingConsent } from "#core/repositories/marketing_consents.ts";
import type { User } from "#core/repositories/users.ts";

/**
 * The level a user chose.
 * @throws NestError not_found for an unknown user, awaiting_consent where none was chosen
 */
export function requireConsent(user: User | null, consent: MarketingConsent | null): ConsentLevel {
  if (!user) throw new NestError("not_found");
  if (!consent) throw new NestError("awaiting_consent");
  return consent.level;
}

/**
 * Records a choice with time, network and client, so that consent can be proved. Choosing the same again is no change.
 * @param current what a look for the user's consent answered
 * @throws NestError not_found for an unknown user
 */
export async function setMarketingConsent(
  core: Pick<Core, "marketingConsents" | "clock">,
  { user, current }: { user: User | null; current: MarketingConsent | null },
  level: ConsentLevel,
  caller: Caller,
  call: Call,
): Promise<void> {
  if (!user) throw new NestError("not_found");
  if (current?.level === level) return;
  await core.marketingConsents.set(newId("marketingConsent"), user._id, {
    level,
    changedAt: core.clock.now().toISOString(),
    ip: caller.kind === "user" ? call.ip : null,
    clientId: caller.kind === "user" ? caller.clientId : null,
  });
}
