/** What a person types to say who they are. */

/** The type and value of a text: an email address if it has an @, or else a phone number. */
export const identifierOf = (text) => ({
  identifier_type: text.includes("@") ? "email" : "phone",
  identifier_value: text.trim(),
});
