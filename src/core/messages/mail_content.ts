/** A part of a line that leads somewhere. */
export interface Link {
  label: string;
  url: string;
}

/** A line of text with links in it. */
export type Line = readonly (string | Link)[];

/** A part of the body of a mail. */
export type Block =
  | { kind: "paragraph"; line: Line }
  | { kind: "button"; button: Link }
  /** A code that a person types. */
  | { kind: "code"; code: string }
  /** The link that a person asked for: a button, and its address for clients in which the button does nothing. */
  | { kind: "requestedLink"; button: Link; paste: string };

/** What a mail says, without its form. Its HTML part and its text part are made of it, so that they say the same. */
export interface MailContent {
  subject: string;
  title: string;
  /** The preview text that mail clients show next to the subject. */
  preheader: string;
  body: readonly Block[];
  /** Text below the card, in small type. */
  footer: Line;
}

/** A paragraph without links. */
export const paragraph = (...sentences: readonly string[]): Block => ({
  kind: "paragraph",
  line: [sentences.join(" ")],
});
