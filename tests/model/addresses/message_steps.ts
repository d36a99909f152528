import fc from "fast-check";
import { isVerify, type Message, redeem, send, signIn } from "#tests/model/addresses/state.ts";
import { back, type Plan, person, sessionOf, step } from "#tests/model/addresses/step.ts";
import { newest } from "#tests/model/operation.ts";
import { SIMPLE } from "#tests/support/nest.ts";

const METHODS = {
  sign_in: ["send_otp", {}],
  reset_password: ["send_password_reset", { redirect_uri: "https://magic.getbeak.app/" }],
} as const;

/** Requests a link, a code or a reset. Anybody can. */
export const asks = fc.tuple(person, fc.constantFrom("magic_link", "sign_in", "reset_password")).map(
  ([by, purpose]): Plan =>
    (_state, _system, name) =>
      step({
        name,
        says: `${by} requests ${purpose} ${name}`,
        call(system) {
          if (purpose === "magic_link") return system.requestLink(name, by);
          const [method, body] = METHODS[purpose];
          return system.send(name, method, by, { ...body, ...system.named });
        },
        // The reset of an address without a user sends no secret.
        begin: (state) => purpose !== "reset_password" || state.user !== null,
        finish(state, isOpen) {
          send(state, name, { purpose, by, password: null, isOpen });
          return "200";
        },
        mails: { purpose, isByToken: purpose === "reset_password" && by === "stranger" },
      }),
);

/** Registers in the mode `verify_first`, with or without a password. */
export const registersFirst = fc.tuple(person, fc.boolean()).map(
  ([by, hasPassword]): Plan =>
    (_state, system, name) => {
      const password = hasPassword ? system.choosePassword(by) : null;
      return step({
        name,
        says: `${by} registers by code ${name}${password ? ` with '${password}'` : ""}`,
        call: () =>
          system.send(name, "register_user", by, { ...system.named, ...(password && { password }) }),
        // The owner of a proved address gets a mail without a code.
        begin: (state) => !state.user?.isProved,
        finish(state, isOpen) {
          send(state, name, { purpose: "register", by, password, isOpen });
          return "200";
        },
        mails: { purpose: "register", isByToken: false },
      });
    },
);

/** Registers in the mode `immediate`, perhaps with a code that proves the address later. */
export const registersNow = fc.tuple(person, fc.boolean()).map(
  ([by, verifies]): Plan =>
    (_state, system, name) => {
      const password = system.choosePassword(by);
      return step({
        name,
        says: `${by} registers at once${verifies ? ", with a code" : ""}: session ${name} and '${password}'`,
        call: () => {
          const body = { client_id: SIMPLE, ...system.named, password, options: { verify_email: verifies } };
          return system.send(name, "register_user", by, body);
        },
        finish(state) {
          if (state.user) return "identifier_taken";
          state.user = { isProved: false, password };
          signIn(state, name, by, false);
          if (verifies) send(state, name, { purpose: "verify_code", by, password: null, isOpen: true });
          return "200";
        },
        ...(verifies && { mails: { purpose: "verify_code", isByToken: false } as const }),
      });
    },
);

/** Requests a code or a link that proves the address, within a session. */
export const verifies = fc.tuple(person, back, fc.constantFrom("code", "link")).map(
  ([by, nth, delivery]): Plan =>
    (before, system, name) => {
      const of = sessionOf(before, by, nth);
      if (of === undefined) return null;
      const purpose = `verify_${delivery}` as const;
      return step({
        name,
        says: `${by} requests ${purpose} ${name} in session ${of}`,
        call: () => {
          const { access_token } = system.tokens.get(of) ?? {};
          return system.send(name, "send_verification", by, { delivery, ...system.named }, access_token);
        },
        begin(state) {
          if (!state.sessions[of]?.isLive) return "unauthorized";
          return state.user?.isProved ? "already_verified" : null;
        },
        finish(state, refused) {
          if (refused !== null) return refused;
          send(state, name, { purpose, by, password: null, isOpen: true });
          return "200";
        },
        mails: { purpose, isByToken: delivery === "link" },
      });
    },
);

/** What the owner can redeem: codes and links of their own requests, and links of the stranger's that need no other secret. */
const isRedeemable = ({ by, purpose }: Message) =>
  by === "owner" || purpose === "reset_password" || purpose === "verify_link";

/** The owner redeems a message, perhaps within the newest session, and perhaps once more. */
export const redeems = fc.tuple(back, fc.boolean()).map(
  ([nth, isSignedIn]): Plan =>
    (before, system, name) => {
      const usable = Object.entries(before.messages).filter(([, message]) => isRedeemable(message));
      const [of, message] = newest(usable, nth) ?? [];
      if (of === undefined || message === undefined) return null;
      const { purpose } = message;
      const session = isSignedIn && isVerify(message) ? sessionOf(before, "owner", 0) : undefined;
      const password = purpose === "reset_password" ? system.choosePassword("owner") : "";
      return step({
        name,
        says: `owner redeems ${purpose} ${of}${session ? ` in session ${session}` : ""}: ${name} ${password}`,
        call: () => {
          const bearer = session === undefined ? undefined : system.tokens.get(session)?.access_token;
          return system.redeem(name, of, purpose, { password, ...(bearer !== undefined && { bearer }) });
        },
        finish(state) {
          const isBearer = session !== undefined;
          // A call with a token that is not valid does nothing.
          if (isBearer && !state.sessions[session]?.isLive) return "refused";
          return redeem(state, name, of, { password, isBearer });
        },
      });
    },
);
