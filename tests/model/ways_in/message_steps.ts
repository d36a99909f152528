import fc from "fast-check";
import {
  endSessions,
  keepFirst,
  leavesFactorsUnusable,
  liveSession,
  needsFresh,
  ownerBy,
  pass,
  pendingName,
  prove,
  refusalToResume,
  revoke,
  revokeAllOf,
  send,
} from "#tests/model/ways_in/rules.ts";
import {
  type Address,
  ATTEMPTS,
  addressesOf,
  CALL,
  isMail,
  MAILS,
  type Message,
  mayAdd,
  type Person,
  READERS,
  record,
  type State,
  takeAddress,
  userOf,
} from "#tests/model/ways_in/state.ts";
import {
  address,
  back,
  type ChosenSession,
  chosenSession,
  mostly,
  newestOf,
  type Plan,
  person,
  sessionOf,
  step,
} from "#tests/model/ways_in/step.ts";
import { CLIENTS } from "#tests/model/ways_in/system.ts";
import { REDIRECT, VERIFIER } from "#tests/support/nest.ts";

const CODE = { code: true, token: false };
const TOKEN = { code: false, token: true };
const { native: client } = CLIENTS;

/** Requests a magic link. */
export const askForLink =
  (by: Person, to: Address): Plan =>
  (_state, _system, name) =>
    step({
      name,
      says: `${by} requests magic link ${name} for ${to}`,
      call: (system) => system.requestLink(name, to),
      finish(state) {
        send(state, name, { purpose: "magic_link", address: to, by, client, sends: TOKEN });
        return "200";
      },
      sends: { to, key: name },
    });
export const asksForLink = fc.tuple(person, fc.constantFrom(...MAILS)).map((args) => askForLink(...args));

/** Requests a code that signs in, or a link to an address. */
export const askForCode =
  (by: Person, to: Address, wantsLink: boolean): Plan =>
  (_state, _system, name) => {
    const isLink = wantsLink && isMail(to);
    return step({
      name,
      says: `${by} requests sign-in ${isLink ? "link" : "code"} ${name} for ${to}`,
      call: (system) => {
        const delivery = isLink ? "link" : "code";
        return system.send(name, "send_otp", { client_id: client, delivery, ...system.named(to) });
      },
      finish(state) {
        send(state, name, { purpose: "sign_in", address: to, by, client, sends: isLink ? TOKEN : CODE });
        return "200";
      },
      sends: { to, key: name },
    });
  };
export const asksForCode = fc.tuple(person, address, fc.boolean()).map((args) => askForCode(...args));

/** Requests a reset of the password. */
export const askForReset =
  (by: Person, to: Address): Plan =>
  (_state, _system, name) =>
    step({
      name,
      says: `${by} requests reset ${name} for ${to}`,
      call: (system) => {
        const body = { client_id: client, redirect_uri: REDIRECT, ...system.named(to) };
        return system.send(name, "send_password_reset", body);
      },
      begin: (state) => state.addresses[to] !== undefined,
      finish(state, isKnown) {
        const sends = { code: isKnown, token: isKnown && isMail(to) };
        send(state, name, { purpose: "reset", address: to, by, client, sends });
        return "200";
      },
      sends: { to, key: name },
    });
export const asksForReset = fc.tuple(person, address).map((args) => askForReset(...args));

/** Registers in the mode `verify_first`, with or without a password. */
export const registersFirst = fc.tuple(person, address, fc.boolean()).map(
  ([by, to, hasPassword]): Plan =>
    (_state, system, name) => {
      const password = hasPassword ? system.choosePassword() : null;
      return step({
        name,
        says: `${by} registers ${to} by code ${name}${password ? ` with '${password}'` : ""}`,
        call: () => {
          const body = { client_id: client, ...system.named(to), ...(password && { password }) };
          return system.send(name, "register_user", body);
        },
        // The owner of a proved address gets a message without a code.
        begin: (state) => !state.addresses[to]?.isProved,
        finish(state, code) {
          const sends = { code, token: false };
          send(state, name, { purpose: "register", address: to, by, client, sends, password });
          return "200";
        },
        sends: { to, key: name },
      });
    },
);

/** Requests a code that adds an address or number to the user of a session. */
export const add =
  (chosen: ChosenSession, by: Person, to: Address): Plan =>
  (before, system, name) => {
    const of = sessionOf(before, chosen);
    if (of === undefined) return null;
    return step({
      name,
      says: `${by} requests code ${name} that adds ${to}, in session ${of}`,
      call: () => {
        const body = { client_id: system.clientOf(of), ...system.named(to) };
        return system.send(name, "send_verification", body, { bearer: system.bearer(of) });
      },
      begin(state) {
        const session = liveSession(state, of);
        if (!session) return { refused: "unauthorized", isTaken: false };
        const owner = state.addresses[to];
        const isOwn = owner?.user === session.user;
        const isKnown = isOwn || state.pending.includes(pendingName(session.user, to));
        const refused =
          (isOwn && owner?.isProved ? "already_verified" : isKnown ? null : needsFresh(state, of)) ??
          (isOwn || mayAdd(state, session.user) ? null : "identifier_not_verified");
        return { refused, isTaken: owner !== undefined && !isOwn };
      },
      finish(state, { refused, isTaken }) {
        if (refused !== null) return refused;
        const { user = "", client: own = "" } = state.sessions[of] ?? {};
        const sends = { code: !isTaken, token: false };
        const pending = pendingName(user, to);
        const isOwn = state.addresses[to]?.user === user;
        if (!isOwn && !state.pending.includes(pending)) state.pending.push(pending);
        send(state, name, { purpose: "verify", address: to, by, client: own, sends, user, asker: of });
        return "200";
      },
      sends: { to, key: name },
    });
  };
export const adds = fc.tuple(chosenSession, person, address).map((args) => add(...args));

/** Who can present the secret of a message: its requester with the code if they read it, and each reader of a link with a token. */
const isRedeemable = ({ by, address, sends, purpose }: Message) =>
  (READERS[address] as readonly string[]).includes(by) || (sends.token && purpose !== "magic_link");

/** A reader redeems a message. */
export const redeem =
  (nth: number, isRight: boolean, byToken: boolean): Plan =>
  (before, system, name) => {
    const [of, message] = newestOf(before.messages, nth, isRedeemable) ?? [];
    if (of === undefined || message === undefined) return null;
    const { purpose, sends, address: to } = message;
    const isRequester = (READERS[to] as readonly string[]).includes(message.by);
    const isToken = sends.token && (byToken || !sends.code || !isRequester);
    const isCode = purpose !== "magic_link" && !isToken;
    const password = purpose === "reset" ? system.choosePassword() : "";
    const shown = isCode
      ? { nonce: system.nonces.get(of) ?? "", code: system.codeOf(of, isRight) }
      : { token: system.links.get(of) ?? "" };
    const isShownRight = isCode ? isRight && sends.code : true;
    const how = isCode ? (isRight ? "code" : "wrong code") : "link";
    return step({
      name,
      says: `${purpose} ${of} for ${to} is redeemed by ${how}: ${name} ${password}`,
      async call() {
        const named = { client_id: message.client, ...shown };
        if (purpose === "magic_link") {
          const code = system.links.get(of);
          const link = {
            grant_type: "authorization_code",
            redirect_uri: REDIRECT,
            code_verifier: VERIFIER,
            code,
          };
          return system.authenticate(name, link);
        }
        if (purpose === "reset") return (await system.call("reset_password", { ...named, password }))[0];
        if (purpose === "verify") return (await system.call("verify_identifier", named))[0];
        return system.authenticate(name, { grant_type: "otp", ...shown });
      },
      begin: (state) => state.now,
      finish(state, at) {
        if (purpose === "magic_link") return redeemLink(state, name, { of, at });
        return redeemCode(state, name, { of, at, isCode, isRight: isShownRight, password });
      },
    });
  };
export const redeems = fc.tuple(back, mostly(true), fc.boolean()).map((args) => redeem(...args));

function redeemLink(state: State, name: string, { of, at }: Pick<Shown, "of" | "at">): string {
  const message = state.messages[of] as Message;
  const { address: to, usedAt, isRevoked, expiresAt, startedAt } = message;
  if (usedAt !== null) {
    if (isRevoked || expiresAt <= at || at - startedAt < CALL) return "token_used";
    const refusal = refusalToResume(state, message, to);
    if (refusal) return refusal === "used" ? "token_used" : "authorization_not_found";
  } else if (isRevoked) return "authorization_not_found";
  else if (expiresAt <= at) return "token_expired";
  message.usedAt ??= at;
  message.startedAt = at;
  const owner = state.addresses[to];
  if (owner && userOf(state, owner.user).status !== "active") return "authorization_not_found";
  const user = ownerBy(state, to, `u${name}`);
  revoke(state, (one) => one !== message && one.purpose === "magic_link" && one.address === to);
  const first = { user, client, amr: ["link"], address: to, isProving: true, signedInAt: message.usedAt };
  return pass(state, name, first, message);
}

interface Shown {
  of: string;
  /** When the call began. */
  at: number;
  isCode: boolean;
  isRight: boolean;
  password: string;
}

const NOT_FOUND = "verification_not_found";

function redeemCode(state: State, name: string, { of, at, isCode, isRight, password }: Shown): string {
  const message = state.messages[of] as Message;
  const { address: to, purpose } = message;
  if (message.isRevoked || message.expiresAt <= at) return NOT_FOUND;
  if (isCode && ++message.attempts > ATTEMPTS) return NOT_FOUND;
  const owner = state.addresses[to];
  const isSignIn = purpose === "sign_in" || purpose === "register";
  if (!isRight || (isSignIn && owner && userOf(state, owner.user).status !== "active")) return NOT_FOUND;
  if (!isSignIn && message.usedAt !== null) return NOT_FOUND;
  if (purpose === "reset" && !owner) return NOT_FOUND;
  if (message.usedAt !== null)
    if (at - message.startedAt < CALL || refusalToResume(state, message, to)) return NOT_FOUND;
  message.usedAt ??= at;
  message.startedAt = at;
  if (purpose === "reset") return reset(state, of, password);
  if (purpose === "verify") return verify(state, message);
  const user = ownerBy(state, to, `u${of}`);
  keepFirst(state, user, message.password);
  const amr = isCode ? ["otp"] : ["link"];
  const first = { user, client, amr, address: to, isProving: true, signedInAt: message.usedAt };
  return pass(state, name, first, message);
}

function reset(state: State, of: string, password: string): string {
  const { address: to } = state.messages[of] as Message;
  const { user = "" } = state.addresses[to] ?? {};
  prove(state, to, false);
  userOf(state, user).password = { text: password, isProvisional: false, resetBy: to };
  record(state, user, "password.reset");
  endSessions(state, user, { except: null });
  revokeAllOf(state, user, of);
  return "200";
}

/** The user of a code gets the address, if nobody has it and the session that asked has not ended. */
function verify(state: State, { address: to, user: asking, asker }: Message): string {
  const user = asking ?? "";
  const owner = state.addresses[to];
  if (owner && owner.user !== user) return NOT_FOUND;
  if (owner) {
    prove(state, to, true);
    const { password } = userOf(state, user);
    if (password) password.isProvisional = false;
    return "200";
  }
  if (!mayAdd(state, user) || !liveSession(state, asker ?? "")) return NOT_FOUND;
  const pending = pendingName(user, to);
  if (!state.pending.includes(pending)) return NOT_FOUND;
  state.pending = state.pending.filter((one) => one !== pending);
  takeAddress(state, to, { user, isProved: true });
  record(state, user, "identifier.verified");
  return "200";
}

/** Removes an address or number. Of proved ones, a user keeps one. */
export const removesAddress = fc.tuple(chosenSession, address).map(
  ([chosen, of]): Plan =>
    (before, system, name) => {
      const session = sessionOf(before, chosen);
      if (session === undefined) return null;
      return step({
        name,
        says: `${of} is removed in session ${session} (${name})`,
        async call() {
          const value = system.value(of);
          const rows = await system.nest.collection("identifiers").find({ identifierValue: value }).toArray();
          // The newest owner of the address.
          const takenAt = (row: (typeof rows)[number]) => String(row.verifiedAt ?? row.createdAt);
          const newest = rows.sort((one, other) => (takenAt(one) < takenAt(other) ? -1 : 1)).at(-1);
          const body = { identifier_id: newest?._id ?? "identifier_none" };
          return (await system.call("remove_identifier", body, { bearer: system.bearer(session) }))[0];
        },
        begin: (state) => needsFresh(state, session),
        finish(state, refused) {
          if (refused) return refused;
          const { user = "" } = state.sessions[session] ?? {};
          if (state.owners[of]?.at(-1) !== user) return "identifier_not_found";
          if (state.addresses[of] === undefined) return "200";
          const others = addressesOf(state, user, true).filter((one) => one !== of);
          if (others.length === 0 || leavesFactorsUnusable(state, user, of)) return "last_sign_in_method";
          delete state.addresses[of];
          revoke(state, (one) => one.user === user && one.address === of);
          return "200";
        },
      });
    },
);
