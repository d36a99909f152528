import type { Messages } from "./message_table.ts";

const INVALID_REQUEST =
  "Die App hat eine ungültige Anfrage gesendet. Aktualisiere die App und versuche es erneut.";
const MISCONFIGURED = "Die App ist falsch eingerichtet. Bitte wende dich an ihren Support.";
const OLD_LINK = "Dieser Link ist nicht mehr gültig. Fordere einen neuen an.";
const OTHER_DEVICE = "Öffne den Link auf dem Gerät, das ihn angefordert hat, oder fordere einen neuen an.";
const SIGNED_OUT = "Du bist abgemeldet. Melde dich erneut an.";
const FAILED =
  "Etwas ist schiefgelaufen. Versuche es erneut. Wenn das wieder passiert, wende dich an den Support.";
const OFFLINE =
  "Es besteht keine Verbindung zum Server. Prüfe deine Internetverbindung und versuche es erneut.";

const CHECKOUT = {
  payment_required: "Eine Zahlung ist fällig. Bezahle sie und versuche es erneut.",
  checkout_required: "Du hast noch kein bezahltes Abo. Wähle und bezahle einen Tarif.",
  subscription_ending: "Dein Abo läuft aus. Verlängere es zuerst.",
  plan_not_found: "Diesen Tarif gibt es nicht. Wähle einen anderen.",
  plan_ended: "Dieser Tarif wird nicht mehr verkauft. Wähle einen anderen.",
  price_not_found: "Dieser Tarif ist zurzeit nicht verfügbar. Wende dich an den Support.",
  invalid_checkout_url: MISCONFIGURED,
};

/** The sentences in German. */
export const GERMAN: Messages = {
  ...CHECKOUT,
  validation_failed: INVALID_REQUEST,
  body_missing: INVALID_REQUEST,
  malformed_json: INVALID_REQUEST,
  body_too_large: INVALID_REQUEST,
  code_missing: INVALID_REQUEST,
  nonce_missing: INVALID_REQUEST,
  code_verifier_missing: INVALID_REQUEST,
  redirect_uri_missing: INVALID_REQUEST,
  refresh_token_missing: INVALID_REQUEST,
  client_not_found: MISCONFIGURED,
  grant_not_allowed: MISCONFIGURED,
  invalid_redirect_uri: MISCONFIGURED,
  sender_not_allowed: MISCONFIGURED,
  link_placeholder_missing: MISCONFIGURED,
  incorrect_client: MISCONFIGURED,
  incorrect_redirect_uri: MISCONFIGURED,
  invalid_email: "Diese E-Mail-Adresse ist ungültig. Prüfe sie und versuche es erneut.",
  email_not_sent: "Die E-Mail konnte nicht gesendet werden. Versuche es erneut.",
  invalid_identifier:
    "Diese E-Mail-Adresse oder Telefonnummer ist ungültig. Prüfe sie und versuche es erneut.",
  passkey_failed: "Diese Anmeldung mit dem Passkey hat nicht geklappt. Melde dich auf einem anderen Weg an.",
  passkey_challenge_expired: "Das hat zu lange gedauert. Versuche es noch einmal.",
  mfa_failed: "Dieser Code ist falsch oder wurde schon benutzt. Prüfe ihn, oder warte auf den nächsten.",
  mfa_token_expired: "Das hat zu lange gedauert, oder zu viele Codes waren falsch. Melde dich neu an.",
  mfa_required: "Zum Anmelden ist noch ein zweiter Schritt nötig.",
  mfa_enrollment_required: "Richte einen zweiten Schritt ein, um dich anzumelden.",
  mfa_required_by_policy:
    "Hier brauchst du einen zweiten Schritt. Füge einen anderen hinzu, bevor du diesen entfernst.",
  mfa_not_enabled: "Du hast keinen zweiten Schritt eingerichtet.",
  mfa_confirmation_required:
    "Manche Programme können nicht nach einem zweiten Schritt fragen und dich dann nicht anmelden. Bestätige, dass du das willst.",
  factor_repeats_sign_in:
    "Du meldest dich mit demselben Postfach oder derselben Nummer an, also wäre das kein zweiter Schritt. Nimm eine Authenticator-App.",
  too_many_factors: "Du hast zu viele zweite Schritte. Entferne zuerst einen.",
  factor_not_found: "Diesen zweiten Schritt gibt es nicht, oder er wurde entfernt. Lade die Seite neu.",
  factor_type_not_allowed: MISCONFIGURED,
  invalid_credentials: "Adresse oder Passwort ist falsch. Prüfe beides und versuche es erneut.",
  country_not_allowed:
    "An Telefonnummern dieses Landes können keine Codes gesendet werden. Nutze eine E-Mail-Adresse.",
  cookies_not_enabled: MISCONFIGURED,
  captcha_required: "Bestätige, dass du ein Mensch bist, und versuche es dann erneut.",
  captcha_failed: "Es ließ sich nicht bestätigen, dass du ein Mensch bist. Versuche es erneut.",
  captcha_unavailable:
    "Gerade lässt sich nicht prüfen, ob du ein Mensch bist. Warte {wait} und versuche es dann erneut.",
  delivery_failed: "Der Code konnte nicht gesendet werden. Versuche es erneut.",
  registration_disabled: "Die Registrierung ist hier nicht möglich.",
  identifier_taken: "Zu dieser E-Mail-Adresse oder Nummer gibt es schon ein Konto. Melde dich an.",
  password_not_acceptable: "Dieses Passwort ist nicht sicher genug. Wähle ein längeres, das niemand errät.",
  identifier_not_found: "Diese Adresse oder Nummer wurde entfernt. Lade die Seite neu.",
  already_verified: "Diese Adresse oder Nummer ist schon bestätigt.",
  identifier_not_verified: "Bestätige zuerst diese Adresse oder Nummer.",
  user_not_found: "Diesen Benutzer gibt es nicht oder nicht mehr.",
  cannot_disable_self: "Du kannst dich nicht selbst sperren.",
  delete_not_allowed:
    "Diese Person lässt sich hier nicht löschen. Du kannst sie nur aus dem Konto entfernen.",
  unknown_capability: INVALID_REQUEST,
  capability_escalation: "Du kannst keine Rechte vergeben oder ändern, die du selbst nicht hast.",
  role_not_found: "Diese Rolle gibt es nicht oder nicht mehr.",
  role_built_in: "Diese Rolle ist fest eingebaut und lässt sich nicht ändern.",
  role_in_use: "Jemand hat diese Rolle noch. Nimm sie zuerst allen weg.",
  too_many_roles: "Es gibt zu viele Rollen. Lösche zuerst eine.",
  own_address_not_verified: "Bestätige zuerst deine eigene E-Mail-Adresse.",
  account_not_found: "Dieses Konto gibt es nicht, oder du gehörst nicht mehr dazu.",
  too_many_accounts: "Du bist schon in zu vielen Konten.",
  last_owner: "Das ist der letzte Besitzer des Kontos. Mache zuerst jemand anderen zum Besitzer.",
  unknown_event: INVALID_REQUEST,
  webhook_url_not_allowed:
    "An diese Adresse können keine Nachrichten geschickt werden. Nimm eine öffentliche https-Adresse.",
  webhook_not_found: "Diesen Webhook gibt es nicht mehr.",
  delivery_not_found: "Diese Zustellung gibt es nicht mehr.",
  too_many_webhooks: "Es gibt zu viele Webhooks. Lösche zuerst einen.",
  webhook_disabled: "Der Webhook ist abgeschaltet. Schalte ihn zuerst ein.",
  active_subscription: "Kündige zuerst dein Abonnement.",
  last_admin: "Das ist der letzte Administrator. Mache zuerst jemand anderen zum Administrator.",
  last_sign_in_method:
    "Das ist deine letzte Möglichkeit, dich anzumelden. Füge zuerst eine andere Adresse oder Nummer hinzu und bestätige sie.",
  provider_not_found: "So kannst du dich zurzeit nicht anmelden. Wähle einen anderen Weg.",
  oauth_identity_not_found: "Dieses Konto ist nicht mehr verbunden. Lade die Seite neu.",
  too_many_oauth_identities: "Du hast zu viele Konten verbunden. Trenne zuerst eines.",
  oauth_identity_taken: "Dieses Konto ist schon mit jemand anderem verbunden. Wähle ein anderes.",
  verification_not_found:
    "Dieser Code ist falsch oder nicht mehr gültig. Prüfe ihn oder fordere einen neuen an.",
  malformed_code: "Dieser Link ist unvollständig. Kopiere ihn ganz oder fordere einen neuen an.",
  malformed_refresh_token: SIGNED_OUT,
  incorrect_code_verifier: OTHER_DEVICE,
  unknown_link: OTHER_DEVICE,
  authorization_not_found: OLD_LINK,
  token_not_found: OLD_LINK,
  token_expired: "Dieser Link ist abgelaufen. Fordere einen neuen an.",
  token_used: "Dieser Link wurde schon benutzt. Fordere einen neuen an.",
  unauthorized: SIGNED_OUT,
  signed_out: SIGNED_OUT,
  access_denied: "Dazu bist du nicht berechtigt.",
  reauthentication_required: "Deine Anmeldung liegt eine Weile zurück. Melde dich dafür neu an.",
  session_not_found: "Diese Sitzung gibt es nicht oder nicht mehr.",
  not_found: "Das gibt es nicht oder nicht mehr.",
  no_active_subscription: "Du hast kein aktives Abo.",
  already_subscribed: "Du hast schon ein Abo. Melde dich an, um es zu nutzen.",
  trial_already_used: "Die kostenlose Testphase wurde schon genutzt.",
  awaiting_consent: "Du hast noch nicht gewählt, ob du Neuigkeiten erhalten möchtest.",
  rate_limited: "Das waren zu viele Versuche. Warte {wait} und versuche es dann erneut.",
  unavailable: "Der Server ist überlastet. Warte {wait} und versuche es dann erneut.",
  stripe_error: "Der Zahlungsdienst antwortet nicht. Versuche es erneut.",
  unknown: FAILED,
  unexpected_answer:
    "Die Antwort des Servers ist nicht lesbar. Prüfe deine Internetverbindung und versuche es erneut.",
  network: OFFLINE,
  timeout: "Der Server hat nicht rechtzeitig geantwortet. Versuche es erneut.",
  aborted: "Der Vorgang wurde abgebrochen.",
  refresh_failed: "Du bist noch angemeldet, aber der Server ist nicht erreichbar. Versuche es erneut.",
  NotAllowedError: "Es wurde kein Passkey benutzt. Versuche es erneut, oder wähle einen anderen Weg.",
  InvalidStateError: "Dieses Gerät hat schon einen Passkey für dein Konto.",
  AbortError: "Der Vorgang wurde abgebrochen.",
  declined: "Du hast abgelehnt und bist nicht angemeldet. Versuche es erneut, oder wähle einen anderen Weg.",
  account_exists:
    "Zu dieser E-Mail-Adresse gibt es schon ein Konto. Melde dich auf einem anderen Weg an, dann verbinde dieses.",
  temporarily_unavailable: "Der andere Dienst antwortet nicht. Versuche es später erneut.",
  server_error:
    "Der andere Dienst konnte dich nicht anmelden. Versuche es erneut, oder wähle einen anderen Weg.",
  other: FAILED,
};
