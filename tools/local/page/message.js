/** The message bar at the bottom of the window. Its space is reserved, so a message covers nothing. */
import { byId } from "/assets/dom.js";

const SUCCESS_SHOWN_MS = 12_000;
let fading;

/** Shows a message. An error stays until it is dismissed or replaced; a success also disappears after 12 seconds. */
export function showMessage(text, isError = false) {
  clearTimeout(fading);
  byId("message").textContent = text;
  byId("message").className = isError ? "bad" : "";
  byId("dismiss").hidden = text === "";
  byId("engine").hidden = text !== "";
  if (text !== "" && !isError) fading = setTimeout(clearMessage, SUCCESS_SHOWN_MS);
}

function clearMessage() {
  // The focused button is about to disappear. Without another element, the focus would return to the top of the page.
  const hasFocus = document.activeElement === byId("dismiss");
  showMessage("");
  if (hasFocus) document.querySelector("footer").focus();
}

export function listenForMessages() {
  byId("dismiss").addEventListener("click", clearMessage);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") clearMessage();
  });
}
