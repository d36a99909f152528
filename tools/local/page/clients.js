/** The choice of the OAuth client. Each client has its own session. */
import { callApi } from "/assets/actions.js";
import { client, isRequestedBy, useClient } from "/assets/api.js";
import { byId, make } from "/assets/dom.js";

const CHOICE = "client";
let clients = [];

function choose(next) {
  localStorage.setItem(CHOICE, next.id);
  byId("client").value = next.id;
  useClient(next);
}

/** Offers the app's clients and uses the one that was used last. */
export function showClients(list) {
  clients = list;
  byId("client").replaceChildren(...list.map(({ id, name }) => make("option", { value: id }, name)));
  byId("client-choice").classList.toggle("known", list.length > 1);
  const last = localStorage.getItem(CHOICE);
  choose(list.find(({ id }) => id === last) ?? list[0]);
}

/** Uses the client that requested a magic link, because no other client can redeem it. */
export function useClientOf(link) {
  const state = new URLSearchParams(link).get("state");
  const owner = clients.find((one) => isRequestedBy(one, state));
  if (owner && owner !== client) choose(owner);
}

/** Whether this page requested the magic link with this state, with any of its clients. */
export const isRequestedHere = (state) => clients.some((one) => isRequestedBy(one, state));

export function listenForClients() {
  byId("client").addEventListener("change", ({ target }) => {
    const next = clients.find(({ id }) => id === target.value);
    choose(next);
    void callApi(async () => undefined, `This page now uses the client ${next.name}.`);
  });
}
