import { type Client, STAGES } from "#core/app/app.ts";
import type { AppProblem } from "#core/app/app_problem.ts";

/** A client that requires a second factor must be able to take it, and must not sign anyone in before they have one. */
export function mfaProblems({ mfa, grants, registrationMode }: Client, index: number): AppProblem[] {
  if (mfa.policy === "optional") return [];
  const path = ["clients", index, "mfa"];
  const without = STAGES.filter((stage) => !grants[stage].includes("mfa"));
  if (mfa.factors.length === 0)
    return [{ path, rule: "requires a second factor, but factors is empty. Add totp" }];
  if (mfa.policy === "required" && registrationMode === "immediate")
    return [
      {
        path,
        rule: "requires a second factor, but registrationMode immediate signs people in without one. Set it to verify_first",
      },
    ];
  return without.map((stage) => ({
    path: ["clients", index, "grants", stage],
    rule: "lacks mfa, which mfa.policy requires. Add mfa",
  }));
}
