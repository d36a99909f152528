/** The email addresses and phone numbers of the signed-in user, and their verification with a code. */
import { callApi } from "/assets/actions.js";
import { client, current, nest } from "/assets/api.js";
import { forgetCode, onUse, pendingCode, rememberCode } from "/assets/codes.js";
import { button, byId, drawList, make } from "/assets/dom.js";
import { listenForSubmit } from "/assets/fields.js";
import { time } from "/assets/format.js";
import { identifierOf } from "/assets/identifiers.js";

const PURPOSE = "verify_identifier";
const ADDRESS_ERRORS = [
  "invalid_identifier",
  "country_not_allowed",
  "already_verified",
  "rate_limited",
  "delivery_failed",
];
const CODE_ERRORS = ["verification_not_found", "rate_limited", "validation_failed"];

function actionsOf({ id, identifier_value: value, verified_at, is_primary }) {
  const at = (name) => ({ "aria-label": `${name}: ${value}` });
  const makePrimary = () =>
    callApi(() => nest.setPrimaryIdentifier({ identifier_id: id }), `${value} is primary now.`);
  const remove = () => callApi(() => nest.removeIdentifier({ identifier_id: id }), `${value} is removed.`);
  const verify = () => send({ identifier_id: id }, value, null);
  return [
    verified_at === null ? button("Verify", "verify", verify, at("Verify")) : null,
    verified_at !== null && !is_primary
      ? button("Make primary", "primary", makePrimary, at("Make primary"))
      : null,
    button("Remove", "remove", remove, at("Remove")),
  ].filter((action) => action !== null);
}

const timeElement = (iso) => make("time", { datetime: iso }, time(iso));

function addressItem(identifier) {
  const { identifier_type, identifier_value, verified_at, is_primary } = identifier;
  const type = identifier_type === "phone" ? "Phone number" : "Email address";
  return make(
    "li",
    {},
    make(
      "div",
      { class: "title" },
      make("strong", {}, identifier_value),
      verified_at === null
        ? make("span", { class: "mark warn" }, "Not verified")
        : make("span", { class: "mark good" }, is_primary ? "Primary" : "Verified"),
    ),
    make(
      "p",
      { class: "quiet small" },
      type,
      ...(verified_at ? [", verified on ", timeElement(verified_at)] : []),
    ),
    make("div", { class: "row tight" }, ...actionsOf(identifier)),
  );
}

/** Draws the identifiers of `get_user`. */
export function showAddresses(identifiers) {
  const own = identifiers.filter(({ removed_at }) => removed_at === null);
  drawList(byId("addresses"), own, ({ id }) => id, addressItem);
  showCodeForm();
}

function showCodeForm() {
  const pending = pendingCode(PURPOSE);
  // Another user may have asked for it in this browser.
  const isOwn = pending !== null && pending.user_id === current()?.user_id;
  byId("verify-form").hidden = !isOwn;
  if (isOwn)
    byId("verify-sent").textContent = `Sent to ${pending.to}. It works until ${time(pending.expires_at)}.`;
}

/** @param field the field with the address, if there is one */
async function send(identifier, to, field) {
  let isSent = false;
  await callApi(
    async () => {
      const sent = await nest.sendVerification({ ...identifier, delivery: "code" });
      rememberCode(PURPOSE, { ...sent, to, client_id: client.id, user_id: current().user_id });
      isSent = true;
    },
    "The code is in the inbox.",
    { field, codes: ADDRESS_ERRORS },
  );
  showCodeForm();
  if (!isSent) return;
  byId("verify-code").value = "";
  byId("new-address").value = "";
  byId("verify-code").focus();
}

async function verify(code) {
  const { nonce, to } = pendingCode(PURPOSE);
  await callApi(
    async () => {
      await nest.verifyIdentifier({ nonce, code });
      forgetCode(PURPOSE);
    },
    `${to} is verified.`,
    { field: byId("verify-code"), codes: CODE_ERRORS },
  );
  showCodeForm();
  if (!pendingCode(PURPOSE)) byId("addresses-title").focus();
}

/** Verifies an address with the link of an email. @param opened the parameters of the link */
export const openVerificationLink = (opened) =>
  callApi(async () => {
    await nest.verifyIdentifier({ token: opened.get("token"), client_id: opened.get("client_id") });
    forgetCode(PURPOSE);
  }, "The address is verified.");

export function listenForAddresses() {
  const added = byId("new-address");
  listenForSubmit(
    byId("address-form"),
    () => "Enter an email address or a phone number.",
    () => void send(identifierOf(added.value), added.value, added),
  );
  listenForSubmit(
    byId("verify-form"),
    () => "Enter the six digits.",
    () => void verify(byId("verify-code").value.trim()),
  );
  onUse(PURPOSE, (code) => {
    byId("verify-code").value = code;
    void verify(code);
  });
}
