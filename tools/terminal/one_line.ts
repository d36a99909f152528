import { stripVTControlCharacters } from "node:util";

/** Characters that move the cursor, end a line, are not shown or turn the direction of the text. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A value from outside as one line of a terminal: it can neither change the terminal nor look like another line. */
export const oneLine = (text: string): string =>
  stripVTControlCharacters(text).replace(
    HIDDEN,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
