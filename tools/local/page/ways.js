/** The choice of how to sign in. A magic link is the first way and needs no choice. */
import { callApi } from "/assets/actions.js";
import { client } from "/assets/api.js";
import { clientsWith, useClientWith } from "/assets/clients.js";
import { button, byId } from "/assets/dom.js";

/** How a client registers people, by its setting. */
const MODES = {
  verify_first: "A code proves the address first. Then the user exists and is signed in.",
  immediate: "This client signs people in at once. They can verify the address later.",
  closed: "Registration of this client is closed.",
};

const radios = () => [...byId("ways").querySelectorAll("input")];
const wayOf = ({ dataset }) => dataset.way;
const panels = () => [...document.querySelectorAll("[data-way]")];
/** Where a person types who they are. Its text is kept when another way is chosen. */
const identifierFieldOf = (panel) => panel.querySelector("[data-who]");

let whenChosen = () => undefined;

/** Sets what is called when another way is chosen. */
export const onWay = (listener) => {
  whenChosen = listener;
};

export const chosenWay = () => radios().find(({ checked }) => checked)?.value;

/** Shows the form of a way. */
export function chooseWay(way) {
  for (const radio of radios()) radio.checked = radio.value === way;
  const before = panels().find((panel) => !panel.hidden);
  for (const panel of panels()) panel.hidden = wayOf(panel) !== way;
  const panel = panels().find((one) => wayOf(one) === way);
  const [from, to] = [before, panel].map(identifierFieldOf);
  if (to.value === "") to.value = from.value;
  whenChosen();
}

/** Moves the focus to where a person types who they are. */
export const focusWay = () => identifierFieldOf(panels().find((panel) => !panel.hidden)).focus();

/** Shows what the client may use. A way that it may not use names a client of the stack that may. */
export function showWays() {
  byId("registration-mode").textContent = MODES[client.registration];
  for (const hint of document.querySelectorAll("[data-grant]")) {
    const { grant } = hint.dataset;
    const isUsable = client.grants.includes(grant);
    hint.hidden = isUsable;
    byId(hint.dataset.for).hidden = !isUsable;
    const [other] = clientsWith(grant);
    hint.replaceChildren(
      `${client.name} does not have the grant ${grant}. `,
      ...(other ? [useInstead(other)] : []),
    );
  }
}

const useInstead = ({ id, name }) =>
  button(`Use ${name}`, id, () => {
    useClientWith(id);
    void callApi(async () => undefined, `This page now uses the client ${name}.`);
  });

export function listenForWays() {
  for (const radio of radios()) radio.addEventListener("change", () => chooseWay(radio.value));
}
