import { type Client, STAGES, type Stage } from "#core/app/app.ts";
import type { AppProblem } from "#core/app/app_problem.ts";
import { isWithin, relyingPartyOf } from "#core/app/passkey_settings.ts";

/** Checks the settings of passkeys: pages for each domain, a domain for each page, and the settings that need passkeys. */
export function passkeyProblems(client: Client, index: number): AppProblem[] {
  const at = (...path: PropertyKey[]) => ["clients", index, ...path];
  const { passkeys, mfa } = client;
  const ofPages = pageProblems(passkeys).map(({ path, rule }) => ({ path: at("passkeys", ...path), rule }));
  const isMissing = mfa.factors.includes("webauthn") && passkeys === null;
  return [
    ...STAGES.flatMap((stage) => stageProblems(client, stage)).map(({ path, rule }) => ({
      path: at(...path),
      rule,
    })),
    ...ofPages,
    ...(isMissing
      ? [{ path: at("mfa", "factors"), rule: "has webauthn, but passkeys is missing. Add passkeys" }]
      : []),
  ];
}

function stageProblems({ passkeys, grants }: Client, stage: Stage): AppProblem[] {
  const party = relyingPartyOf(passkeys, stage);
  if (party === null) {
    if (!grants[stage].includes("webauthn")) return [];
    return [
      {
        path: ["grants", stage],
        rule: "has webauthn, but passkeys has no rpId for this stage. Add passkeys",
      },
    ];
  }
  const path = ["passkeys", "rpId", stage];
  if (stage !== "local" && party.rpId === "localhost")
    return [{ path, rule: "is localhost, which is possible on the stage local only. Set it to null" }];
  if (party.origins.length > 0) return [];
  return [{ path, rule: `is "${party.rpId}", but no origin belongs to this domain. Add one to origins` }];
}

function pageProblems(passkeys: Client["passkeys"]): AppProblem[] {
  const domains = Object.values(passkeys?.rpId ?? {}).filter((rpId) => rpId !== null);
  return (passkeys?.origins ?? []).flatMap((origin, place) =>
    domains.some((rpId) => isWithin(rpId, origin))
      ? []
      : [
          {
            path: ["origins", place],
            rule: `is "${origin}", which is not on a domain of rpId, so browsers refuse passkeys there. Remove it`,
          },
        ],
  );
}
