/** The codes that this page requested and has not used yet, each with the nonce of its response. They outlive a reload. */
const NAME = "codes";
const uses = new Map();

const all = () => JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
const save = (codes) => sessionStorage.setItem(NAME, JSON.stringify(codes));

/** The code that was requested last for a purpose, such as `sign_in`, or null. */
export const pendingCode = (purpose) => all()[purpose] ?? null;

/** @param pending the response with the nonce, `to` as the user typed it, and the client's id */
export function rememberCode(purpose, pending) {
  const { [purpose]: _, ...others } = all();
  save({ ...others, [purpose]: pending });
}

export function forgetCode(purpose) {
  const { [purpose]: _, ...others } = all();
  save(others);
}

const sameRecipient = (to) => (to.includes("@") ? to.trim().toLowerCase() : to.replaceAll(/\D/g, ""));

/** The purpose of the code in a message to this recipient, or null if this page did not request it. */
export const purposeOf = (to) =>
  Object.entries(all()).findLast(([, pending]) => sameRecipient(pending.to) === sameRecipient(to))?.[0] ??
  null;

/** Sets what the button of a message with such a code does. @param use receives the six digits */
export const onUse = (purpose, use) => uses.set(purpose, use);
export const useCode = (purpose, code) => uses.get(purpose)(code);

/** The six digits in a message, or null. */
export const codeIn = ({ subject = "", text }) =>
  `${subject} ${text.replaceAll(/https?:\S+/g, "")}`.match(/\b\d{6}\b/)?.[0] ?? null;
