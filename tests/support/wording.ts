import app from "#app";
import messages from "#app/messages.ts";
import type { App } from "#core/app/app.ts";
import { Wording } from "#core/messages/wording.ts";

/** The texts of the app of this process in one locale, or of that app with other settings. */
export const wordingIn = (locale: string, change: Partial<App> = {}) =>
  new Wording({ ...app, ...change }, messages, locale);

/** The texts of the app of this process in English. */
export const english = wordingIn("en");
