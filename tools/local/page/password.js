/** The password of the signed-in user: sets the first one, or changes it. */
import { callApi } from "/assets/actions.js";
import { nest } from "/assets/api.js";
import { byId } from "/assets/dom.js";
import { listenForSubmit } from "/assets/fields.js";
import { plural } from "/assets/format.js";

const ERRORS = ["invalid_credentials", "password_not_acceptable", "rate_limited", "validation_failed"];
const currentField = () => byId("current-password");
const newField = () => byId("new-password");

/** Where an error is shown: a wrong current password beside that field, if it is there. */
const fieldOf = ({ code }) =>
  code === "invalid_credentials" && !currentField().disabled ? currentField() : newField();

/** Draws whether the user has a password, as `get_user` says. The current one is needed to change it. */
export function showPassword({ has_password: hasPassword }) {
  byId("password-state").textContent = hasPassword ? "The user has a password." : "The user has no password.";
  byId("password-action").textContent = hasPassword ? "Change the password" : "Set a password";
  byId("current-password-row").hidden = !hasPassword;
  // A hidden field that is required would keep the form from being sent.
  currentField().disabled = !hasPassword;
}

async function setPassword() {
  const current = currentField();
  let ended = null;
  await callApi(
    async () => {
      const { sessions_revoked } = await nest.setPassword({
        password: newField().value,
        ...(!current.disabled && { current_password: current.value }),
      });
      ended = sessions_revoked;
    },
    () => `The password is set. ${plural(ended, "other session")} ended.`,
    { field: fieldOf, codes: ERRORS },
  );
  if (ended === null) return;
  current.value = "";
  newField().value = "";
  byId("password-title").focus();
}

export function listenForPassword() {
  listenForSubmit(
    byId("password-form"),
    () => "Enter a password.",
    () => void setPassword(),
  );
}
