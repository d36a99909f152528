/**
 * Why a session may be issued without asking for a second factor. `core/mfa/second_factor.ts` decides at a sign-in; a test lists
 * every other place that issues a session. `none`: the user has no factor, and no policy requires one. `presented`: the person
 * presented it. `new_user`: the call registers the user. `earlier`: the session passed when it started, and is refreshed.
 */
export type SecondFactorCheck = "none" | "presented" | "new_user" | "earlier";
