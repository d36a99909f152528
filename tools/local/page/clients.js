/** The choice of the OAuth client. Each client has its own session. */
import { callApi } from "/assets/actions.js";
import { client, isRequestedBy, useClient } from "/assets/api.js";
import { byId, make } from "/assets/dom.js";

const CHOICE = "client";
let clients = [];
let changed = () => undefined;

function choose(next) {
  localStorage.setItem(CHOICE, next.id);
  byId("client").value = next.id;
  useClient(next);
  changed();
}

/** The clients that may use a grant. */
export const clientsWith = (grant) => clients.filter(({ grants }) => grants.includes(grant));

/** The name of a client, or its id if this page can't use it. */
export const nameOfClient = (id) => clients.find((one) => one.id === id)?.name ?? id;

/** Uses the client with this id. */
export function useClientWith(id) {
  const next = clients.find((one) => one.id === id);
  if (next && next !== client) choose(next);
}

/** Offers the app's clients and the sample clients, and uses the one that was used last. */
export function showClients({ app, sample_clients }) {
  clients = [...app.clients, ...sample_clients];
  const options = (list) => list.map(({ id, name }) => make("option", { value: id }, name));
  byId("client").replaceChildren(
    make("optgroup", { label: app.name }, ...options(app.clients)),
    make("optgroup", { label: "Local stack only" }, ...options(sample_clients)),
  );
  byId("client-choice").classList.add("known");
  const last = localStorage.getItem(CHOICE);
  choose(clients.find(({ id }) => id === last) ?? clients[0]);
}

/** Uses the client that requested a magic link, because no other client can redeem it. */
export function useClientOf(link) {
  const state = new URLSearchParams(link).get("state");
  const owner = clients.find((one) => isRequestedBy(one, state));
  if (owner && owner !== client) choose(owner);
}

/** Whether this page requested the magic link with this state, with any of its clients. */
export const isRequestedHere = (state) => clients.some((one) => isRequestedBy(one, state));

/** @param whenChanged is called when this page uses another client */
export function listenForClients(whenChanged) {
  changed = whenChanged;
  byId("client").addEventListener("change", ({ target }) => {
    const next = clients.find(({ id }) => id === target.value);
    choose(next);
    void callApi(async () => undefined, `This page now uses the client ${next.name}.`);
  });
}
