import type { LinkPages } from "#entry/adapter_declaration.ts";

/** The pages behind a link that signs in. The form asks for cookies, since a browser keeps nothing else of the answer. */
export const SIGN_IN_PAGES: LinkPages = {
  hidden: { setCookie: "true" },
  asks: {
    en: {
      title: "Sign in",
      text: "Press the button to sign in with this browser. If you did not ask for this, close the page.",
      button: "Sign in",
    },
    de: {
      title: "Anmelden",
      text: "Drücke den Knopf, um dich in diesem Browser anzumelden. Wenn du das nicht wolltest, schließe die Seite.",
      button: "Anmelden",
    },
  },
  done: {
    en: { title: "You are signed in", text: "You can go on.", button: "Go on" },
    de: { title: "Du bist angemeldet", text: "Du kannst weitermachen.", button: "Weiter" },
  },
};

/** The pages behind a link that proves an address. */
export const PROOF_PAGES: LinkPages = {
  asks: {
    en: {
      title: "Confirm your email address",
      text: "Press the button to confirm that this address is yours. If you did not ask for this, close the page.",
      button: "Confirm",
    },
    de: {
      title: "E-Mail-Adresse bestätigen",
      text: "Drücke den Knopf, um zu bestätigen, dass diese Adresse dir gehört. Wenn du das nicht wolltest, schließe die Seite.",
      button: "Bestätigen",
    },
  },
  done: {
    en: { title: "Your address is confirmed", text: "You can go on.", button: "Go on" },
    de: { title: "Deine Adresse ist bestätigt", text: "Du kannst weitermachen.", button: "Weiter" },
  },
};

/** The pages behind a link for a new password. */
export const PASSWORD_PAGES: LinkPages = {
  asks: {
    en: {
      title: "Choose a new password",
      text: "You are signed out everywhere, and sign in with the new password.",
      button: "Save",
      password: "New password",
    },
    de: {
      title: "Neues Passwort wählen",
      text: "Du wirst überall abgemeldet und meldest dich mit dem neuen Passwort an.",
      button: "Speichern",
      password: "Neues Passwort",
    },
  },
  done: {
    en: { title: "Your password is changed", text: "Sign in with the new password.", button: "Go on" },
    de: {
      title: "Dein Passwort ist geändert",
      text: "Melde dich mit dem neuen Passwort an.",
      button: "Weiter",
    },
  },
};
