import type { Call } from "#core/call.ts";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { AuditCore } from "#core/events/audit_row.ts";
import { describeFailure } from "#core/log.ts";
import { networkOf } from "#core/network.ts";
import { judgeIdentity } from "#core/oauth/judge_identity.ts";
import { nameInForm, provesAddress } from "#core/oauth/provider_identity.ts";
import { ProviderRefusal } from "#core/oauth/provider_refusal.ts";
import { recordDisabled } from "#core/oauth/record_disabled.ts";
import { callbackOf, type VisitCore } from "#core/oauth/start_visit.ts";
import type { UsableProvider } from "#core/oauth/usable_provider.ts";
import { type JudgingCore, newVisitSecret, readJudged } from "#core/oauth/visit_outcome.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { OAuthState, VisitIdentity } from "#core/repositories/oauth_states.ts";
import { hashSecret } from "#core/secrets.ts";
import { parseAddress } from "#core/users/address.ts";

/** Time for the client to redeem the code. */
const CODE_SECONDS = 5 * MINUTE;

/** Errors of a provider that the client gets (RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6). */
const PASSED_ERRORS = ["access_denied", "login_required", "consent_required", "interaction_required"];

export type AnswerCore = VisitCore & JudgingCore & AuditCore & { oauthClients: OAuthClients };

/**
 * Handles the answer of a provider. The state is consumed first, so an answer counts once.
 * @param answered the provider whose callback was called, and the parameters as the browser brought them, in the query or in a form
 * @returns the redirect URI of the client with a code or an error; null if no visit has this state
 * @throws NestError rate_limited for an unknown state above the limit of the network; unavailable
 */
export async function answerVisit(
  core: AnswerCore,
  { providerId, parameters, call }: { providerId: string; parameters: URLSearchParams; call: Call },
): Promise<string | null> {
  const provider = core.oauthProviders.find(providerId);
  const visit = provider && (await consumeState(core, provider, parameters.getAll("state")));
  if (!visit) {
    // A state has 256 bits, so it can't be guessed. The limit bounds database commands per network, and never refuses a correct state.
    refuseIfOver([await core.rateLimiter.countOne("failures_per_network", networkOf(call.ip))]);
    return null;
  }
  const outcome = await concludeVisit(core, { visit, provider, parameters, call }).catch((error: unknown) => {
    // The state is consumed, so the person has to begin again: the client can say so.
    core.log.error("oauth_failed", { provider: provider.id, ...describeFailure(error) });
    return { error: "temporarily_unavailable" };
  });
  const isRefused = "error" in outcome;
  core.log.info("oauth_answered", {
    ...{ provider: provider.id, client_id: visit.clientId, intent: visit.intent },
    outcome: isRefused ? outcome.error : "code",
  });
  const target = new URL(visit.redirectUri);
  for (const [name, value] of Object.entries(outcome)) target.searchParams.set(name, value);
  target.searchParams.set("state", visit.clientState);
  return target.href;
}

/** Consumes the state of an answer. @returns null unless there is exactly one state, of an open visit at this provider */
async function consumeState(
  core: AnswerCore,
  provider: UsableProvider,
  [state, ...more]: readonly string[],
): Promise<OAuthState | null> {
  if (!state || more.length > 0) return null;
  return core.oauthStates.answer(hashSecret(state), provider.id, core.clock.now().toISOString());
}

interface Answered {
  visit: OAuthState;
  provider: UsableProvider;
  parameters: URLSearchParams;
  call: Call;
}

async function concludeVisit(
  core: AnswerCore,
  answered: Answered,
): Promise<{ code: string } | { error: string }> {
  const { visit, provider, parameters, call } = answered;
  const error = parameters.get("error");
  if (error !== null) return { error: PASSED_ERRORS.includes(error) ? error : "server_error" };
  const client = core.oauthClients.find(visit.clientId);
  if (!client) return { error: "unauthorized_client" };
  const identity = await identify(core, answered);
  if ("error" in identity) return identity;
  const judged = visit.intent === "link" ? null : await readJudged(core, visit, identity);
  const decision = judged && judgeIdentity({ ...judged, registration: client.registration });
  if (decision?.outcome === "refuse") {
    const { error: errorCode } = decision;
    const at = core.clock.now().toISOString();
    await recordDisabled(core, visit, { userId: judged?.disabledUserId ?? null, call, at, errorCode });
    return { error: errorCode };
  }
  const secret = newVisitSecret();
  core.log.info("oauth_identified", { provider: provider.id, outcome: decision?.outcome ?? "link" });
  await core.oauthStates.giveCode(visit._id, {
    ...{ key: hashSecret(secret), identity, userId: decision?.userId ?? visit.userId },
    expiresAt: plusSeconds(core.clock.now(), CODE_SECONDS).toISOString(),
  });
  return { code: `${visit._id}.${secret}` };
}

/** Asks the provider who the person is. An answer that can't be accepted names nobody. */
async function identify(
  core: AnswerCore,
  { provider, parameters }: Answered,
): Promise<VisitIdentity | { error: string }> {
  const url = new URL(callbackOf(core.issuer, provider.id));
  url.search = parameters.toString();
  try {
    const secrets = core.visitKey.of(parameters.get("state") ?? "");
    const { hostedDomain, ...identity } = await core.oauthProviders.identify(provider, url, secrets);
    const email = normalized(identity.email);
    const emailVerified = identity.emailVerified && email !== null;
    return {
      ...{ ...identity, email, emailVerified },
      isProved: provesAddress(provider.profile, { email, emailVerified, hostedDomain }),
      name: identity.name ?? (provider.profile.isFormPost ? nameInForm(parameters.get("user")) : null),
    };
  } catch (error) {
    if (!(error instanceof ProviderRefusal)) throw error;
    core.log.warn("oauth_refused", {
      provider: provider.id,
      why: error.name,
      security_event: !error.isUnavailable,
    });
    return { error: error.isUnavailable ? "temporarily_unavailable" : "server_error" };
  }
}

/** The address in the form in which it is stored; null for none, and for one that can't receive mail of Nest. */
function normalized(email: string | null): string | null {
  try {
    return email === null ? null : parseAddress(email).identity;
  } catch {
    return null;
  }
}
