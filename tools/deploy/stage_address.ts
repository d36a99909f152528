import type { LiveStack } from "#tools/deploy/live_stack.ts";
import type { OnStage } from "#tools/stage/on_stage.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** The addresses of a deployed stage. */
export interface StageAddress {
  url: string;
  /** What the domain's DNS record must point to; null if the stack creates the record or has no domain. */
  recordTarget: string | null;
}

/**
 * @param url used instead of the stage's own address, if given
 * @throws CommandError if the stage is not deployed
 */
export async function stageAddress(
  { settings, store }: Pick<OnStage, "settings" | "store">,
  live: LiveStack,
  url?: string | null,
): Promise<StageAddress> {
  const outputs = await live.outputs();
  const address = url ?? outputs?.get("ApiUrl");
  if (outputs === null || !address)
    throw new CommandError(
      `nest-${store.stage} is not deployed. Run \`npx serverless deploy --stage ${store.stage}\`.`,
    );
  const recordTarget = settings.domain.hostedZoneId ? null : (outputs.get("ApiDomainTarget") ?? null);
  return { url: address, recordTarget };
}
