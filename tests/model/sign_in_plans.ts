import fc from "fast-check";
import { newest, operation, type Plan } from "#tests/model/operation.ts";
import { countFailure, knows, makeLink, mayAsk, signIn, takeLink, tryRedeem } from "#tests/model/rules.ts";
import { type Link, MACHINES, type Machine, PEOPLE, type Person } from "#tests/model/state.ts";
import { REDIRECT, V1 } from "#tests/support/nest.ts";

export const machine = fc.constantFrom(...MACHINES);
export const person = fc.constantFrom(...PEOPLE);

/** Requests a link for any address on any device. */
export const asks: fc.Arbitrary<Plan> = fc.tuple(machine, person).map(([from, to]) => asksFor(to, from));

export function asksFor(to: Person, from: Machine): Plan {
  return (_state, _world, name) =>
    operation({
      says: `${from} requests a link for ${to}: link ${name}`,
      async call(system) {
        const body = system.linkRequest(name, from, to);
        const reply = await system.nest.call(`${V1}send_magic_link`, body, { ip: system.app(from).ip });
        if (reply.status === 204) system.readMail(name);
        return system.answer(reply);
      },
      begin(state) {
        const isKnown = knows(state, to, from);
        return { isKnown, isAllowed: mayAsk(state, to, isKnown) };
      },
      finish(state, { isKnown, isAllowed }) {
        if (!isAllowed || !takeLink(state, to, isKnown)) return { code: "rate_limited" };
        makeLink(state, name, { person: to, machine: from, isTrial: false });
        return { code: "204" };
      },
    });
}

/** Ways to redeem a link; most are valid. */
const twist = fc.constantFrom(
  "rightly",
  "rightly",
  "rightly",
  "with another redirect",
  "with a wrong secret",
);

/** Redeems a link on the device that requested it, or on another device, which has another verifier. */
export const redeems: fc.Arbitrary<Plan> = fc
  .tuple(fc.nat(5), fc.option(machine, { freq: 4 }), twist)
  .map(([back, elsewhere, how]) => (before, system, name) => {
    const of = newest(Object.keys(before.links), back);
    return of === undefined ? null : redeemsLink(of, elsewhere, how)(before, system, name);
  });

export function redeemsLink(of: string, elsewhere: Machine | null = null, how = "rightly"): Plan {
  return (before, _world, name) => {
    const link = before.links[of];
    if (link === undefined) return null;
    const on = elsewhere ?? link.machine;
    const shown = {
      machine: on,
      isSecretRight: how !== "with a wrong secret",
      isRedirectRight: how !== "with another redirect",
    };
    return operation({
      says: `${on} redeems link ${of}${how === "rightly" ? "" : ` ${how}`}: session ${name}`,
      async call(system) {
        const { clientId, verifier, ip } = system.app(on);
        const code = system.get(`link ${of}`);
        const change = {
          client_id: clientId,
          code_verifier: verifier,
          redirect_uri: shown.isRedirectRight ? REDIRECT : "https://magic.getbeak.app/callback",
        };
        const sent = shown.isSecretRight ? code : `${code.slice(0, -1)}${code.endsWith("0") ? "1" : "0"}`;
        return system.answer(await system.nest.redeem(sent, change, { ip }));
      },
      begin: (state) => tryRedeem(state, state.links[of] as Link, shown, name),
      finish(state, redeeming) {
        if ("refused" in redeeming) {
          countFailure(state.links[of] as Link, redeeming);
          return { code: redeeming.refused };
        }
        signIn(state, name, of, redeeming);
        const { session } = redeeming;
        return {
          code: "200",
          names: {
            user_id: `user ${link.person}`,
            session_id: `session ${session}`,
            refresh_token: `session ${session}, token 1`,
            access_token: `access token ${name}`,
          },
        };
      },
    });
  };
}
