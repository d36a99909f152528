import { defineMessages } from "#core/app/mail_texts.ts";

export default defineMessages({
  formats: "de-DE",
  magicLink: {
    subject: "{emoji} Dein Anmeldelink für {app}",
    title: "Bei {app} anmelden",
    preheader: "Hier ist dein Anmeldelink. Er ist 20 Minuten gültig und funktioniert nur einmal.",
    intro:
      "Mit diesem Link meldest du dich auf dem Gerät an, auf dem du ihn angefordert hast. Er ist 20 Minuten gültig und funktioniert nur einmal.",
    button: "Bei {app} anmelden",
    paste: "Wenn der Button nicht funktioniert, füge diese Adresse in deinen Browser ein:",
    footer:
      "Du hast diesen Link nicht angefordert? Er funktioniert nur auf dem Gerät, auf dem er angefordert wurde. Du kannst diese E-Mail also ignorieren oder sie an {security} melden.",
  },
  trialMagicLink: {
    subject: "{emoji} Starte deine Testphase von {app}",
    title: "Starte deine Testphase von {app}",
    preheader:
      "Deine Testphase ist bereit. Dieser Link meldet dich an. Er ist 20 Minuten gültig und funktioniert nur einmal.",
    intro:
      "Deine Testphase ist bereit. Öffne diesen Link auf dem Gerät, auf dem du ihn angefordert hast: Er meldet dich an, ohne Passwort und ohne Karte. Er ist 20 Minuten gültig und funktioniert nur einmal.",
    button: "Testphase starten",
    paste: "Wenn der Button nicht funktioniert, füge diese Adresse in deinen Browser ein:",
    footer:
      "Du hast keine Testphase angefordert? Der Link funktioniert nur auf dem Gerät, auf dem er angefordert wurde, und du kannst weiterhin selbst eine Testphase starten. Du kannst diese E-Mail ignorieren oder sie an {security} melden.",
  },
  userCode: {
    intro:
      "Du liest diese E-Mail auf einem anderen Gerät? Dann gib diesen Code dort ein, wo du den Link angefordert hast:",
    warning:
      "Niemand von {app} wird dich je nach diesem Code fragen, weder am Telefon noch auf andere Weise. Gib ihn nur in {app} ein, und nur, wenn du dich gerade anmeldest.",
  },
  signInLink: {
    subject: "{emoji} Dein Anmeldelink für {app}",
    title: "Bei {app} anmelden",
    preheader: "Hier ist dein Anmeldelink. Er ist 10 Minuten gültig und funktioniert nur einmal.",
    intro:
      "Mit diesem Link meldest du dich an, auf diesem Gerät oder einem anderen. Er ist 10 Minuten gültig und funktioniert nur einmal. Leite diese E-Mail nicht weiter: Wer den Link hat, kann sich als du anmelden.",
    button: "Bei {app} anmelden",
    paste: "Wenn der Button nicht funktioniert, füge diese Adresse in deinen Browser ein:",
    footer:
      "Du hast diesen Link nicht angefordert? Jemand hat deine Adresse eingegeben. Ohne den Link ist keine Anmeldung möglich, öffne ihn also nicht. Du kannst diese E-Mail ignorieren oder sie an {security} melden.",
  },
  signInCode: {
    subject: "{code} ist dein Code für {app}",
    title: "Dein Code für {app}",
    preheader: "Dein Code ist {code}. Er ist 10 Minuten gültig und funktioniert nur einmal.",
    intro:
      "Gib diesen Code dort ein, wo du ihn angefordert hast. Er ist 10 Minuten gültig und funktioniert nur einmal.",
    warning: "Niemand von {app} wird dich je nach diesem Code fragen. Gib ihn nicht weiter.",
    footer:
      "Du hast diesen Code nicht angefordert? Jemand hat deine Adresse eingegeben. Ohne den Code ist keine Anmeldung möglich. Du kannst diese E-Mail also ignorieren oder sie an {security} melden.",
  },
  sms: {
    code: "{code} ist dein Code für {app}. Gib ihn nicht weiter.",
    alreadyRegistered: "Du hast mit dieser Nummer schon ein Konto bei {app}. Melde dich mit ihr an.",
    registered: "Willkommen bei {app}! Dein Konto ist bereit.",
    inUse:
      "Diese Nummer wird schon von einem anderen Konto bei {app} verwendet. Sie wurde nicht hinzugefügt.",
  },
  registrationCode: {
    subject: "{code} ist dein Code für {app}",
    title: "Bestätige deine E-Mail-Adresse",
    preheader: "Dein Code ist {code}. Er ist 10 Minuten gültig und funktioniert nur einmal.",
    intro:
      "Gib diesen Code dort ein, wo du dich gerade registrierst. Damit bestätigst du deine E-Mail-Adresse, und dein Konto wird angelegt. Er ist 10 Minuten gültig und funktioniert nur einmal.",
    warning: "Niemand von {app} wird dich je nach diesem Code fragen. Gib ihn nicht weiter.",
    footer:
      "Du hast dich nicht registriert? Jemand hat deine Adresse eingegeben. Ohne den Code wird kein Konto angelegt. Du kannst diese E-Mail also ignorieren oder sie an {security} melden.",
  },
  alreadyRegistered: {
    subject: "Du hast schon ein Konto bei {app}",
    title: "Du hast schon ein Konto",
    opening:
      "Jemand wollte sich mit dieser E-Mail-Adresse registrieren, zu der es schon ein Konto bei {app} gibt. Wenn du es warst, melde dich einfach an: Dein Konto ist unverändert.",
    forgotten: "Du hast dein Passwort vergessen? Auf der Anmeldeseite kannst du ein neues wählen.",
    footer:
      "Du warst es nicht? Niemand wurde angemeldet und nichts wurde geändert. Du kannst diese E-Mail also ignorieren oder sie an {security} melden.",
  },
  registered: {
    subject: "Willkommen bei {app}!",
    title: "Willkommen bei {app}",
    opening: "Danke für deine Registrierung. Dein Konto ist bereit.",
  },
  resetPassword: {
    subject: "Wähle ein neues Passwort für {app}",
    title: "Neues Passwort wählen",
    preheader: "Hier ist dein Link. Er ist 30 Minuten gültig und funktioniert nur einmal.",
    intro:
      "Mit diesem Link wählst du ein neues Passwort. Er ist 30 Minuten gültig und funktioniert nur einmal. Danach sind alle Geräte abgemeldet.",
    button: "Neues Passwort wählen",
    paste: "Wenn der Button nicht funktioniert, füge diese Adresse in deinen Browser ein:",
    orCode: "Oder gib diesen Code dort ein, wo du ihn angefordert hast:",
    warning: "Niemand von {app} wird dich je nach diesem Link oder Code fragen. Gib beide nicht weiter.",
    footer:
      "Du hast das nicht angefordert? Dein Passwort bleibt unverändert. Du kannst diese E-Mail also ignorieren oder sie an {security} melden.",
  },
  accountCreated: {
    subject: "Dein Konto bei {app}",
    title: "Für dich wurde ein Konto erstellt",
    opening: "Ein Administrator von {app} hat für dich ein Konto mit dieser E-Mail-Adresse erstellt.",
    forPassword:
      "Um es zu nutzen, musst du ein Passwort wählen. Der Link ist 24 Stunden gültig und funktioniert nur einmal. Danach forderst du auf der Anmeldeseite ein neues Passwort an.",
    choosePassword: "Passwort wählen",
    forProof:
      "Bestätige, dass das deine E-Mail-Adresse ist. Der Link ist 24 Stunden gültig und funktioniert nur einmal.",
    confirm: "Adresse bestätigen",
    paste: "Wenn der Button nicht funktioniert, füge diese Adresse in deinen Browser ein:",
    warning: "Niemand von {app} wird dich je nach diesem Link fragen. Gib ihn nicht weiter.",
    footer: "Du erwartest kein Konto? Dann kannst du diese E-Mail ignorieren oder sie an {security} melden.",
  },
  accountInvite: {
    subject: "Einladung in ein Konto bei {app}",
    title: "Du bist eingeladen",
    openingBy: "{inviter} lädt dich in das eigene Konto bei {app} ein.",
    opening: "Jemand lädt dich in das eigene Konto bei {app} ein.",
    intro:
      "Um beizutreten, öffne den Link und melde dich mit dieser E-Mail-Adresse an. Der Link ist 7 Tage gültig und funktioniert nur einmal.",
    button: "Dem Konto beitreten",
    paste: "Wenn der Button nicht funktioniert, füge diese Adresse in deinen Browser ein:",
    warning: "Niemand von {app} wird dich je nach diesem Link fragen. Gib ihn nicht weiter.",
    footer:
      "Du kennst den Absender nicht? Dann kannst du diese E-Mail ignorieren oder sie an {security} melden.",
  },
  accountDeleted: {
    subject: "Dein Konto bei {app} wurde gelöscht",
    title: "Dein Konto wurde gelöscht",
    opening: "Dein Konto bei {app} wurde am {day} gelöscht. Du bist auf allen Geräten abgemeldet.",
    erasure:
      "Nach 30 Tagen werden deine Daten gelöscht. Wenn du dich vorher oder nachher anmeldest, beginnst du mit einem neuen Konto.",
    notYou: "Das wolltest du nicht? Schreib an {security}.",
  },
  noAccount: {
    subject: "Zu dieser Adresse gibt es kein Konto bei {app}",
    title: "Kein Konto zu dieser Adresse",
    opening:
      "Jemand hat für diese E-Mail-Adresse ein neues Passwort für {app} angefordert. Zu dieser Adresse gibt es kein Konto.",
    otherAddress:
      "Wenn du es warst, hast du dich vielleicht mit einer anderen E-Mail-Adresse registriert. Fordere das neue Passwort dann mit jener Adresse an.",
    footer: "Du warst es nicht? Du kannst diese E-Mail ignorieren oder sie an {security} melden.",
  },
  passwordChanged: {
    subject: "Dein Passwort für {app} wurde geändert",
    title: "Dein Passwort wurde geändert",
    opening: "Das Passwort deines Kontos bei {app} wurde am {day} geändert.",
    signedOut: "Andere Geräte wurden abgemeldet. Melde dich dort mit dem neuen Passwort an.",
    notYou:
      "Du warst es nicht? Wähle auf der Anmeldeseite sofort ein neues Passwort und schreib dann an {security}.",
  },
  verifyAddress: {
    subject: "Bestätige diese E-Mail-Adresse für {app}",
    title: "Bestätige deine E-Mail-Adresse",
    introCode:
      "Jemand, der bei {app} angemeldet ist, möchte diese E-Mail-Adresse zu seinem Konto hinzufügen. Wenn du das bist, gib diesen Code dort ein. Er ist 10 Minuten gültig und funktioniert nur einmal.",
    introLink:
      "Jemand, der bei {app} angemeldet ist, möchte diese E-Mail-Adresse zu seinem Konto hinzufügen. Wenn du das bist, bestätige sie mit diesem Link. Er ist 24 Stunden gültig und funktioniert nur einmal.",
    button: "Adresse bestätigen",
    paste: "Wenn der Button nicht funktioniert, füge diese Adresse in deinen Browser ein:",
    warning:
      "Danach kann sich der Inhaber dieses Kontos mit deiner Adresse anmelden. Leite diese E-Mail nicht weiter.",
    footer:
      "Du warst es nicht? Dann musst du nichts tun: Die Adresse wird nicht hinzugefügt. Du kannst diese E-Mail ignorieren oder sie an {security} melden.",
  },
  addressInUse: {
    subject: "Zu dieser Adresse gibt es schon ein Konto bei {app}",
    title: "Diese Adresse wird schon verwendet",
    opening:
      "Jemand wollte diese E-Mail-Adresse zu seinem Konto bei {app} hinzufügen. Sie gehört schon zu einem anderen Konto und wurde daher nicht hinzugefügt.",
    toAdd:
      "Wenn du es warst, melde dich mit dieser Adresse an und entferne sie aus dem Konto, das du dort findest. Füge sie danach noch einmal hinzu.",
    footer:
      "Du warst es nicht? Es wurde nichts geändert. Du kannst diese E-Mail also ignorieren oder sie an {security} melden.",
  },
  addressChanged: {
    subject: "Die Adressen deines Kontos bei {app} wurden geändert",
    title: "Dein Konto wurde geändert",
    added: "Am {day} wurde eine E-Mail-Adresse oder Telefonnummer zu deinem Konto bei {app} hinzugefügt.",
    removed: "Am {day} wurde eine E-Mail-Adresse oder Telefonnummer aus deinem Konto bei {app} entfernt.",
    primary:
      "Am {day} wurde für dein Konto bei {app} eine andere primäre E-Mail-Adresse oder Telefonnummer festgelegt.",
    notYou: "Du warst es nicht? Melde dich an, beende alle anderen Sitzungen und schreib dann an {security}.",
  },
  newDevice: {
    subject: "Neue Anmeldung bei {app}",
    title: "Neue Anmeldung in deinem Konto",
    opening:
      "Am {day} um {time} UTC hat sich jemand mit der IP-Adresse {ip} in deinem {app}-Konto angemeldet. Mit diesem Gerät oder aus diesem Netzwerk hat sich bisher niemand in deinem Konto angemeldet.",
    you: "Wenn du es warst, kannst du diese E-Mail ignorieren.",
    notYou:
      "Wenn du es nicht warst, öffne diese Seite und beende dort die Sitzung. Der Link ist 7 Tage gültig.",
    button: "Das war ich nicht",
    footer: "Brauchst du Hilfe? Schreib an {security}.",
  },
  sessionsEnded: {
    subject: "Du wurdest auf anderen Geräten von {app} abgemeldet",
    title: "Deine anderen Sitzungen wurden beendet",
    opening: {
      one: "Am {day} um {time} UTC wurde {count} Sitzung deines {app}-Kontos beendet.",
      other: "Am {day} um {time} UTC wurden {count} Sitzungen deines {app}-Kontos beendet.",
    },
    signIn: "Um {app} auf diesen Geräten wieder zu nutzen, melde dich dort an.",
    notYou: "Du hast sie nicht beendet? Schreib an {security}.",
  },
  mfaChanged: {
    subject: "Deine Anmeldung bei {app} wurde geändert",
    title: "Dein zweiter Schritt wurde geändert",
    added: "Am {day} um {time} UTC wurde der Anmeldung deines {app}-Kontos ein zweiter Schritt hinzugefügt.",
    removed: "Am {day} um {time} UTC wurde ein zweiter Schritt der Anmeldung deines {app}-Kontos entfernt.",
    codes: "Am {day} um {time} UTC wurden die Wiederherstellungscodes deines {app}-Kontos ersetzt.",
    notYou: "Das warst nicht du? Schreib an {security}.",
  },
  recoveryCodeUsed: {
    subject: "Ein Wiederherstellungscode von {app} wurde benutzt",
    title: "Ein Wiederherstellungscode wurde benutzt",
    opening:
      "Am {day} um {time} UTC wurde ein Wiederherstellungscode benutzt, um dein {app}-Konto anzumelden.",
    left: {
      one: "Es ist noch {count} Wiederherstellungscode übrig. Erstelle neue, bevor keiner mehr da ist.",
      other: "Es sind noch {count} Wiederherstellungscodes übrig.",
    },
    notYou: "Das warst nicht du? Schreib an {security}.",
  },
  oauthChanged: {
    subject: "Die Anmeldung bei {app} wurde geändert",
    title: "Deine Anmeldung wurde geändert",
    linked: "Seit {day} um {time} UTC kannst du dich bei {app} mit deinem Konto bei {provider} anmelden.",
    unlinked:
      "Seit {day} um {time} UTC kannst du dich bei {app} nicht mehr mit deinem Konto bei {provider} anmelden.",
    footer: "Du hast das nicht geändert? Schreib an {security}.",
  },
  webhookDisabled: {
    subject: "Ein Webhook von {app} wurde abgeschaltet",
    title: "Ein Webhook wurde abgeschaltet",
    opening: "Seit dem {day} um {time} UTC schickt {app} keine Nachrichten mehr an den Webhook {host}.",
    gone: "Der Empfänger hat mit 410 geantwortet: Er will keine Nachrichten mehr.",
    failing: "Seit 5 Tagen ist jede Nachricht gescheitert.",
    next: "Nachrichten, die noch warteten, werden nicht geschickt. Bring den Empfänger in Ordnung, schalte den Webhook wieder ein und schick die Nachrichten neu, die du noch brauchst.",
  },
  welcome: {
    subject: "Willkommen bei {app}!",
    title: "Willkommen bei {app}",
    opening: "Danke für dein Abo. Dein Konto ist aktiv.",
  },
  welcomeTrial: {
    subject: "Deine Testphase von {app}",
    title: "Deine Testphase von {app} hat begonnen",
    titleUnused: "Deine Testphase von {app} ist bereit",
    opening: "Schön, dass du {app} ausprobierst.",
  },
  welcomes: {
    signIn:
      "Melde dich mit der E-Mail-Adresse an, an die wir diese E-Mail geschickt haben. Ein Passwort gibt es nicht: Wir schicken dir jedes Mal einen Link.",
    download: "{app} herunterladen",
    docs: "Neu hier? [Die Dokumentation] beginnt mit einem zehnminütigen Rundgang.",
  },
  trialWillEnd: {
    subject: "Deine Testphase von {app} endet bald",
    ends: "Deine Testphase endet am {day}.",
    charged:
      "Dann beginnt dein Abo, und die hinterlegte Karte wird belastet. Wenn du das nicht möchtest, öffne {app}, wähle dein Konto und dann „Abrechnung“, und kündige vor diesem Tag.",
    notCharged:
      "Wenn du weitermachen möchtest, öffne {app}, wähle dein Konto und dann „Abrechnung“, und verlängere dein Abo oder füge eine Karte hinzu. Wenn du nichts tust, endet die Testphase von selbst, und es wird nichts abgebucht.",
  },
  duplicate: {
    subject: "Doppeltes Abo von {app}",
    title: "Du hattest zwei Abos",
    opening: "Du kannst immer nur ein Abo von {app} haben, und du hattest zwei.",
  },
  replaced: {
    subject: "Dein Abo von {app} wurde ersetzt",
    title: "Dein neues Abo ersetzt das alte",
    opening: "Dein neues Abo von {app} ersetzt dein bisheriges.",
  },
  rejection: {
    canceled: "Wir haben dein {subscription} beendet.",
    later: "An diesem Tag hast du zwei abgeschlossen. Beendet haben wir das spätere.",
    earlier: "An diesem Tag hast du zwei abgeschlossen. Beendet haben wir das frühere.",
    refunded:
      "Wir haben {amount} auf dein Zahlungsmittel erstattet. Das Geld ist in der Regel innerhalb von zehn Tagen dort.",
    credited: "Wir haben dir {amount} gutgeschrieben.",
    creditIsUsed: "Das Guthaben wird mit deinen nächsten Rechnungen verrechnet.",
    creditIsNotUsed:
      "Mit deinem anderen Abo wird dieses Guthaben nicht verrechnet: Schreib uns, wenn du das Geld auf einem anderen Weg erhalten möchtest.",
    renewing:
      "Dein {subscription} bleibt bestehen und verlängert sich wie bisher. Du musst nichts weiter tun.",
    ending:
      "Dein {subscription} läuft noch bis zum {day} und endet dann wie geplant. Das kannst du bei der Abrechnung ändern: Öffne {app}, wähle dein Konto und dann „Abrechnung“.",
    paymentDue:
      "Dein {subscription} bleibt bestehen. Eine Rechnung dafür ist noch offen: Öffne {app}, wähle dein Konto und dann „Abrechnung“, um sie zu bezahlen.",
    paused: "Dein {subscription} bleibt bestehen. Die Zahlungen dafür sind ausgesetzt.",
    invoiceClosed: "Dein {subscription} bleibt bestehen. Die letzte Rechnung dafür wurde storniert.",
    paidUntil: "Bezahlt ist es bis zum {day}.",
    trialing: "Deine Testphase bleibt bestehen und endet am {day}.",
    trialUnused: "Deine Testphase bleibt bestehen.",
  },
  subscription: {
    day: { one: "Tagesabo vom {day}", other: "{count}-Tage-Abo vom {day}" },
    week: { one: "Wochenabo vom {day}", other: "{count}-Wochen-Abo vom {day}" },
    month: { one: "Monatsabo vom {day}", other: "{count}-Monats-Abo vom {day}" },
    year: { one: "Jahresabo vom {day}", other: "{count}-Jahres-Abo vom {day}" },
  },
  trial: {
    active: "Deine Testphase ist aktiv und endet am {day}.",
    activeFree:
      "Deine Testphase ist aktiv und endet am {day}. Es wird nichts abgebucht, solange du dich nicht zum Weitermachen entschließt.",
    freeThen: "Dann beginnt dein Abo, und an diesem Tag wird nichts abgebucht.",
    chargedThen: "Dann beginnt dein Abo, und dein Zahlungsmittel wird belastet.",
    amountChargedThen: "Dann beginnt dein Abo, und dein Zahlungsmittel wird mit {amount} belastet.",
    cancelBeforeDay:
      "Wenn du das nicht möchtest, kündige vor diesem Tag: Öffne {app}, wähle dein Konto und dann „Abrechnung“.",
    ready: "Deine Testphase ist bereit.",
    daysBegin: {
      one: "Sie dauert einen Tag und beginnt, sobald du sie zum ersten Mal nutzt.",
      other: "Sie dauert {count} Tage und beginnt, sobald du sie zum ersten Mal nutzt.",
    },
    unused: "Wenn sie nicht genutzt wird, endet sie am {day} von selbst.",
    unusedFree: "Wenn sie nicht genutzt wird, endet sie am {day} von selbst, und es wird nichts abgebucht.",
    freeAtEnd: "Wenn sie endet, beginnt dein Abo, und an diesem Tag wird nichts abgebucht.",
    chargedAtEnd: "Wenn sie endet, beginnt dein Abo, und dein Zahlungsmittel wird belastet.",
    amountChargedAtEnd:
      "Wenn sie endet, beginnt dein Abo, und dein Zahlungsmittel wird mit {amount} belastet.",
    cancelBeforeEnd:
      "Wenn du das nicht möchtest, kündige vorher: Öffne {app}, wähle dein Konto und dann „Abrechnung“.",
  },
  landing: {
    title: "Bei {app} anmelden",
    opens: "{app} öffnet sich von selbst. Wenn nicht, wähle „{app} öffnen“.",
    open: "{app} öffnen",
    paste: "Oder füge den Text in {app} ein",
    pasteHelp: "Kopiere diesen Text und füge ihn dort ein, wo {app} danach fragt.",
    copy: "Kopieren",
    copied: "Kopiert.",
    incomplete: "Dieser Link ist unvollständig.",
    openAgain: "Öffne ihn noch einmal aus der E-Mail, oder fordere in {app} einen neuen an.",
    oauthDeclined:
      "Du bist nicht angemeldet, weil du abgelehnt hast. Geh zurück zu {app}, um es noch einmal zu versuchen oder dich anders anzumelden.",
    oauthAccountExists:
      "Du bist nicht angemeldet. Mit dieser E-Mail-Adresse gibt es schon einen Benutzer. Geh zurück zu {app}, melde dich anders an und verbinde dann dieses Konto.",
    oauthRegistrationClosed:
      "Du bist nicht angemeldet. {app} nimmt zurzeit keine neuen Benutzer an. Wenn du schon ein Konto hast, geh zurück zu {app} und melde dich anders an.",
    oauthUnavailable:
      "Du bist nicht angemeldet, weil der andere Dienst nicht geantwortet hat. Geh zurück zu {app} und versuche es später noch einmal.",
    oauthFailed:
      "Die Anmeldung hat nicht geklappt. Geh zurück zu {app} und versuche es noch einmal, oder melde dich anders an.",
    noScript:
      "Schalte JavaScript ein, oder kopiere den Teil der Adresse dieser Seite nach dem Fragezeichen und füge ihn in {app} ein.",
    inviteTitle: "Einem Konto von {app} beitreten",
    inviteHelp:
      "Jemand hat dich in ein Konto eingeladen. Melde dich bei {app} mit der Adresse an, an die die E-Mail ging, dann kannst du beitreten. Wenn du die E-Mail nicht erwartet hast, schließe diese Seite.",
    disownTitle: "Eine Sitzung von {app} beenden",
    disownHelp: "Wenn du dich nicht angemeldet hast, beende die Sitzung. Das Gerät wird sofort abgemeldet.",
    disown: "Sitzung beenden",
    disowned: "Die Sitzung wurde beendet.",
    disownFailed:
      "Die Sitzung konnte nicht beendet werden. Vielleicht ist der Link abgelaufen: Er gilt 7 Tage.",
    verifyTitle: "E-Mail-Adresse für {app} bestätigen",
    verifyHelp: "Wenn du diese E-Mail angefordert hast, bestätige, dass die Adresse dir gehört.",
    verify: "Adresse bestätigen",
    verified: "Die Adresse ist bestätigt.",
    verifyFailed:
      "Die Adresse konnte nicht bestätigt werden. Vielleicht ist der Link abgelaufen oder schon benutzt: Fordere einen neuen an.",
    resetTitle: "Neues Passwort für {app} wählen",
    newPassword: "Neues Passwort",
    reset: "Passwort festlegen",
    resetDone:
      "Das Passwort ist festgelegt, und alle Geräte wurden abgemeldet. Melde dich mit dem neuen Passwort an.",
    resetExpired: "Dieser Link ist abgelaufen oder schon benutzt. Fordere in {app} einen neuen an.",
    resetLimited: "Das waren zu viele Versuche. Versuche es in einer Stunde noch einmal.",
    resetFailed: "Das Passwort konnte nicht festgelegt werden. Versuche es noch einmal.",
    passwordMissing: "Gib ein neues Passwort ein.",
    tooShort: "Nimm mindestens {count} Zeichen. Ein Satz aus mehreren Wörtern ist leicht zu merken.",
    tooLong: "Nimm höchstens {count} Zeichen.",
    breached: "Dieses Passwort steht auf einer Liste bekannter Passwörter. Wähle ein anderes.",
    contextual: "Das Passwort darf den Namen der App oder deiner Adresse nicht enthalten.",
    passkeyTitle: "Dein Passkey für {app}",
    passkeyHelp:
      "{app} auf diesem Gerät fragt nach deinem Passkey. Mach nur weiter, wenn du das gerade in {app} begonnen hast.",
    passkey: "Mit dem Passkey fortfahren",
    passkeyFailed: "Der Passkey wurde nicht benutzt. Versuche es noch einmal, oder geh zurück zu {app}.",
  },
  footer: { questions: "Fragen? Schreib uns an {support}." },
});
