import fc from "fast-check";
import { leavesFactorsUnusable, needsFresh, pass, refusalToResume } from "#tests/model/ways_in/rules.ts";
import {
  ACCOUNTS,
  type Account,
  accountOf,
  accountsOf,
  activeFactors,
  addressesOf,
  CALL,
  linkOf,
  MINUTES,
  mayAdd,
  newUser,
  record,
  type State,
  takeAddress,
  userOf,
  type Visit,
} from "#tests/model/ways_in/state.ts";
import {
  back,
  type ChosenSession,
  chosenSession,
  mostly,
  newestOf,
  type Plan,
  sessionOf,
  step,
} from "#tests/model/ways_in/step.ts";
import { CLIENTS } from "#tests/model/ways_in/system.ts";

const account = fc.constantFrom(...(Object.keys(ACCOUNTS) as Account[]));
const { native } = CLIENTS;

const newVisit = (
  state: State,
  facts: Pick<Visit, "account" | "client" | "intent" | "user" | "asker">,
): Visit => ({
  ...{ usedAt: null, startedAt: 0, session: null, challenge: null },
  ...{ expiresAt: Math.floor(state.now) + MINUTES(5), isRevoked: false, ...facts },
});

/** Whether a trusted provider says that the address of the account is verified. */
const isVerifiedByProvider = (of: Account) => accountOf(of).provider === "google" && accountOf(of).isVerified;

/** The user of an account; null: nobody yet. */
interface Owner {
  user: string | null;
  isLinked: boolean;
}

/**
 * Whose account it is (extended 4.6): the user's who linked it; else of the user who proved the same address, if a trusted provider
 * says so too, and they have not unlinked it, have no second factor and are not disabled; else of nobody, unless somebody has the
 * address.
 */
function ownerOf(state: State, of: Account): Owner | "account_exists" {
  const link = linkOf(state, of);
  if (link) return { user: link.user, isLinked: true };
  const { mail } = accountOf(of);
  const owner = mail === null ? undefined : state.addresses[mail];
  if (!owner) return { user: null, isLinked: false };
  // Of whichever account at the provider.
  const { provider } = accountOf(of);
  const isSame = (other: string) => accountOf(other as Account).provider === provider;
  const wasUnlinked = Object.entries(state.links).some(
    ([other, all]) => isSame(other) && all.some(({ user, isRemoved }) => isRemoved && user === owner.user),
  );
  const isGuarded =
    activeFactors(state, owner.user).length > 0 || userOf(state, owner.user).status !== "active";
  const mayJoin = isVerifiedByProvider(of) && owner.isProved && !wasUnlinked && !isGuarded;
  return mayJoin ? { user: owner.user, isLinked: false } : "account_exists";
}

/** Visits a provider to sign in. */
export const visit =
  (of: Account): Plan =>
  (_state, _system, name) =>
    step({
      name,
      says: `visits a provider with ${of}: ${name}`,
      call: (system) => system.visit(name, of, { client: native }),
      finish(state) {
        const owner = ownerOf(state, of);
        if (owner === "account_exists") return owner;
        const facts = { account: of, client: native, intent: "sign_in", user: null, asker: null } as const;
        state.visits[name] = newVisit(state, facts);
        return "200";
      },
    });
export const visits = account.map(visit);

/** Signs in with the code of a visit. */
export const redeemVisit =
  (nth: number): Plan =>
  (before, system, name) => {
    const [of, visit] = newestOf(before.visits, nth, () => true) ?? [];
    if (of === undefined || !visit) return null;
    return step({
      name,
      says: `signs in with visit ${of} (${visit.account}, ${visit.intent}): session ${name}`,
      call: () => {
        const grant = { grant_type: "authorization_code", ...system.visited(of) };
        return system.authenticate(name, grant, visit.client);
      },
      begin: (state) => ({ at: state.now, owner: ownerOf(state, visit.account) }),
      finish: (state, begun) => redeem(state, name, { of, ...begun }),
    });
  };
export const redeemsVisit = back.map(redeemVisit);

interface Redeemed {
  of: string;
  /** When the call began, and whose account it was then. */
  at: number;
  owner: Owner | "account_exists";
}

function redeem(state: State, name: string, { of, at, owner }: Redeemed): string {
  const visit = state.visits[of] as Visit;
  const { account: presented, usedAt, expiresAt, startedAt, client, intent } = visit;
  if (intent === "link") return "not_found";
  if (usedAt !== null) {
    if (expiresAt <= at || at - startedAt < CALL) return "token_used";
    const refusal = refusalToResume(state, visit);
    if (refusal) return refusal === "used" ? "token_used" : "authorization_not_found";
  } else if (expiresAt <= at) return "token_expired";
  visit.usedAt ??= at;
  visit.startedAt = at;
  if (owner === "account_exists") return "authorization_not_found";
  // Another sign-in may have linked it since.
  const link = owner.isLinked ? null : linkOf(state, presented);
  const user = link?.user ?? owner.user ?? `u${of}`;
  if (!owner.isLinked && !link) {
    // A visit links once: what it linked and its user has unlinked, it links to nobody.
    if (state.links[presented]?.some((link) => link.visit === of)) return "authorization_not_found";
    if (owner.user === null) signUp(state, user, presented);
    addLink(state, presented, { user, visit: of });
  }
  if (userOf(state, user).status !== "active") return "authorization_not_found";
  const { visit: linkedBy = of } = linkOf(state, presented) ?? {};
  const facts = { user, client, amr: ["fed"], address: null, isProving: true };
  const linked = { account: presented, visit: linkedBy };
  return pass(state, name, { ...facts, link: linked, signedInAt: visit.usedAt }, visit);
}

function signUp(state: State, user: string, of: Account): void {
  newUser(state, user);
  record(state, user, "user.created");
  const { mail } = accountOf(of);
  // Somebody may have taken the address since.
  if (mail === null || !isVerifiedByProvider(of) || state.addresses[mail]) return;
  takeAddress(state, mail, { user, isProved: true });
  record(state, user, "identifier.verified");
}

function addLink(state: State, of: Account, { user, visit }: { user: string; visit: string }): void {
  state.links[of] = [...(state.links[of] ?? []), { user, visit, isRemoved: false }];
  record(state, user, "oauth.linked");
}

/** Visits a provider to link the account to the user of a session. */
export const visitToLink =
  (chosen: ChosenSession, of: Account): Plan =>
  (before, system, name) => {
    const by = sessionOf(before, chosen);
    if (by === undefined) return null;
    const client = system.clientOf(by);
    return step({
      name,
      says: `visits a provider to link ${of} in session ${by}: ${name}`,
      call: () => system.visit(name, of, { client, link: { bearer: system.bearer(by) } }),
      begin: (state) => needsFresh(state, by),
      finish(state, refused) {
        if (refused) return refused;
        const { user = "" } = state.sessions[by] ?? {};
        state.visits[name] = newVisit(state, { account: of, client, intent: "link", user, asker: by });
        return "200";
      },
    });
  };
export const visitsToLink = fc.tuple(chosenSession, account).map((args) => visitToLink(...args));

/** Links the account of a visit, mostly in the session that began it. */
export const linkVisited =
  (nth: number, chosen: ChosenSession, isAsker: boolean, isLinkVisit: boolean): Plan =>
  (before, system, name) => {
    const isFitting = ({ intent }: Visit) => (intent === "link") === isLinkVisit;
    const [of, visit] = newestOf(before.visits, nth, isFitting) ?? [];
    const by = (isAsker ? visit?.asker : null) ?? sessionOf(before, chosen);
    if (of === undefined || !visit || by === undefined) return null;
    return step({
      name,
      says: `links ${visit.account} by visit ${of} in session ${by} (${name})`,
      async call() {
        const body = { client_id: visit.client, ...system.visited(of) };
        return (await system.call("link_oauth", body, { bearer: system.bearer(by) }))[0];
      },
      begin: (state) => needsFresh(state, by),
      finish(state, refused) {
        if (refused) return refused;
        const { user = "" } = state.sessions[by] ?? {};
        const { account: of2, intent, expiresAt, asker } = state.visits[of] as Visit;
        if (intent !== "link" || expiresAt <= state.now || asker !== by) return "verification_not_found";
        if (!mayAdd(state, user)) return "identifier_not_verified";
        const linked = linkOf(state, of2);
        if (linked) return linked.user === user ? "200" : "oauth_identity_taken";
        if (state.links[of2]?.some((one) => one.visit === of)) return "verification_not_found";
        addLink(state, of2, { user, visit: of });
        return "200";
      },
    });
  };
export const links = fc
  .tuple(back, chosenSession, mostly(true), mostly(true))
  .map((args) => linkVisited(...args));

/** Unlinks an account, mostly one of the user. The last way in stays. */
export const unlink =
  (chosen: ChosenSession, other: Account, isOwn: boolean, nth: number): Plan =>
  (before, system, name) => {
    const by = sessionOf(before, chosen);
    if (by === undefined) return null;
    const own = accountsOf(before, before.sessions[by]?.user ?? "");
    const of = (isOwn ? own[nth % Math.max(1, own.length)] : undefined) ?? other;
    return step({
      name,
      says: `unlinks ${of} in session ${by} (${name})`,
      async call() {
        const rows = await system.nest
          .collection("oauth_identities")
          .find({ subject: system.subjectOf(of) })
          .toArray();
        const newest = rows.sort((one, two) => (String(one.linkedAt) < String(two.linkedAt) ? -1 : 1)).at(-1);
        const body = { oauth_identity_id: newest?._id ?? "oauthid_none" };
        return (await system.call("unlink_oauth", body, { bearer: system.bearer(by) }))[0];
      },
      begin: (state) => needsFresh(state, by),
      finish(state, refused) {
        if (refused) return refused;
        const { user = "" } = state.sessions[by] ?? {};
        const newest = state.links[of]?.at(-1);
        if (newest?.user !== user) return "oauth_identity_not_found";
        if (newest.isRemoved) return "200";
        if (!leavesSignInMethod(state, user, of) || leavesFactorsUnusable(state, user, of))
          return "last_sign_in_method";
        newest.isRemoved = true;
        record(state, user, "oauth.unlinked");
        return "200";
      },
    });
  };
export const unlinks = fc.tuple(chosenSession, account, mostly(true), back).map((args) => unlink(...args));

/** A password is no way in by itself: it is typed with an address. */
const leavesSignInMethod = (state: State, user: string, without: Account) =>
  addressesOf(state, user, true).length > 0 || accountsOf(state, user).some((one) => one !== without);

/** Whether every user who proved an address or linked an account still has one. */
export const hasWayIn = (state: State, user: string) =>
  addressesOf(state, user).length > 0 || accountsOf(state, user).length > 0;
