import { defineMessages } from "#core/app/mail_texts.ts";

export default defineMessages({
  formats: "en-GB",
  magicLink: {
    subject: "{emoji} Your {app} Magic Link!",
    title: "Sign in to {app}",
    preheader: "Here is your sign-in link. It works once, for 20 minutes.",
    intro: "Use this link to sign in on the device where you requested it. It works once, for 20 minutes.",
    button: "Sign in to {app}",
    paste: "If the button does nothing, paste this into your browser:",
    footer:
      "Did you not request this link? It works only on the device that requested it, so you can ignore this email, or report it to {security}.",
  },
  trialMagicLink: {
    subject: "{emoji} Start your {app} trial",
    title: "Start your {app} trial",
    preheader: "Your trial is ready. This link signs you in. It works once, for 20 minutes.",
    intro:
      "Your trial is ready. Use this link on the device where you requested it: it signs you in, with no password and no card. It works once, for 20 minutes.",
    button: "Start my trial",
    paste: "If the button does nothing, paste this into your browser:",
    footer:
      "Did you not request a trial? The link works only on the device that requested it, and you can still start your own trial. You can ignore this email, or report it to {security}.",
  },
  userCode: {
    intro: "Are you reading this on another device? Then enter this code where you requested the link:",
    warning:
      "Nobody from {app} will ever ask you for this code, by telephone or in any other way. Enter it only in {app}, and only if you are signing in now.",
  },
  signInLink: {
    subject: "{emoji} Your {app} sign-in link",
    title: "Sign in to {app}",
    preheader: "Here is your sign-in link. It works once, for 10 minutes.",
    intro:
      "Use this link to sign in, on this device or another one. It works once, for 10 minutes. Do not forward this email: whoever has the link can sign in as you.",
    button: "Sign in to {app}",
    paste: "If the button does nothing, paste this into your browser:",
    footer:
      "Did you not request this link? Somebody entered your email address. Without the link they can't sign in, so do not open it. You can ignore this email, or report it to {security}.",
  },
  signInCode: {
    subject: "{code} is your {app} code",
    title: "Your code for {app}",
    preheader: "Your code is {code}. It works once, for 10 minutes.",
    intro: "Enter this code where you requested it. It works once, for 10 minutes.",
    warning: "Nobody from {app} will ever ask you for this code. Do not share it.",
    footer:
      "Did you not request this code? Somebody entered your email address. Without the code they can't sign in, so you can ignore this email, or report it to {security}.",
  },
  sms: {
    code: "{code} is your {app} code. Don't share it.",
    alreadyRegistered: "You already have a {app} account with this number. Sign in with it.",
    registered: "Welcome to {app}! Your account is ready.",
    inUse: "Another {app} account already uses this number, so it was not added.",
  },
  registrationCode: {
    subject: "{code} is your {app} code",
    title: "Confirm your email address",
    preheader: "Your code is {code}. It works once, for 10 minutes.",
    intro:
      "Enter this code where you started to register. It confirms your email address and creates your account. It works once, for 10 minutes.",
    warning: "Nobody from {app} will ever ask you for this code. Do not share it.",
    footer:
      "Did you not register? Somebody entered your email address. Without the code no account is created, so you can ignore this email, or report it to {security}.",
  },
  alreadyRegistered: {
    subject: "You already have a {app} account",
    title: "You already have an account",
    opening:
      "Somebody tried to register with this email address, which has a {app} account. If that was you, sign in instead: your account has not changed.",
    forgotten: "Have you forgotten your password? You can choose a new one on the sign-in page.",
    footer:
      "Was it not you? Nobody was signed in and nothing was changed, so you can ignore this email, or report it to {security}.",
  },
  registered: {
    subject: "Welcome to {app}!",
    title: "Welcome to {app}",
    opening: "Thank you for registering. Your account is ready.",
  },
  resetPassword: {
    subject: "Choose a new {app} password",
    title: "Choose a new password",
    preheader: "Here is your link. It works once, for 30 minutes.",
    intro:
      "Use this link to choose a new password. It works once, for 30 minutes. It signs you out on every device.",
    button: "Choose a new password",
    paste: "If the button does nothing, paste this into your browser:",
    orCode: "Or enter this code where you requested it:",
    warning: "Nobody from {app} will ever ask you for this link or code. Do not share them.",
    footer:
      "Did you not request this? Your password stays as it is, so you can ignore this email, or report it to {security}.",
  },
  accountCreated: {
    subject: "Your {app} account",
    title: "An account was created for you",
    opening: "An administrator of {app} created an account with this email address for you.",
    forPassword:
      "To use it, choose a password. The link works once, for 24 hours. After that, request a new password on the sign-in page.",
    choosePassword: "Choose a password",
    forProof: "Confirm that this is your email address. The link works once, for 24 hours.",
    confirm: "Confirm the address",
    paste: "If the button does nothing, paste this into your browser:",
    warning: "Nobody from {app} will ever ask you for this link. Do not share it.",
    footer: "Do you not expect an account? You can ignore this email, or report it to {security}.",
  },
  accountInvite: {
    subject: "You are invited to an account at {app}",
    title: "You are invited",
    openingBy: "{inviter} invites you to their account at {app}.",
    opening: "Somebody invites you to their account at {app}.",
    intro: "To join, open the link and sign in with this email address. The link works once, for 7 days.",
    button: "Join the account",
    paste: "If the button does nothing, paste this into your browser:",
    warning: "Nobody from {app} will ever ask you for this link. Do not share it.",
    footer: "Do you not know the sender? You can ignore this email, or report it to {security}.",
  },
  accountDeleted: {
    subject: "Your {app} account was deleted",
    title: "Your account was deleted",
    opening: "Your {app} account was deleted on {day}. You are signed out on every device.",
    erasure:
      "Your data will be erased after 30 days. If you sign in before or after that, you start with a new account.",
    notYou: "Did you not want this? Write to {security}.",
  },
  noAccount: {
    subject: "There is no {app} account with this address",
    title: "No account with this address",
    opening: "Somebody requested a new {app} password for this email address, which has no account.",
    otherAddress:
      "If that was you, you may have registered with another email address. Request a new password with that address.",
    footer: "Was it not you? You can ignore this email, or report it to {security}.",
  },
  passwordChanged: {
    subject: "Your {app} password was changed",
    title: "Your password was changed",
    opening: "The password of your {app} account was changed on {day}.",
    signedOut: "Other devices were signed out. Sign in there with the new password.",
    notYou: "Was it not you? Choose a new password on the sign-in page at once, then write to {security}.",
  },
  verifyAddress: {
    subject: "Confirm this email address for {app}",
    title: "Confirm your email address",
    introCode:
      "Somebody who is signed in to {app} wants to add this email address to their account. If that is you, enter this code there. It works once, for 10 minutes.",
    introLink:
      "Somebody who is signed in to {app} wants to add this email address to their account. If that is you, confirm it with this link. It works once, for 24 hours.",
    button: "Confirm this address",
    paste: "If the button does nothing, paste this into your browser:",
    warning: "Then the owner of that account can sign in with your address. Do not forward this email.",
    footer:
      "Was it not you? Do nothing: the address is not added. You can ignore this email, or report it to {security}.",
  },
  addressInUse: {
    subject: "This address already has a {app} account",
    title: "This address is in use",
    opening:
      "Somebody tried to add this email address to their {app} account. It belongs to another account already, so it was not added.",
    toAdd:
      "If that was you, sign in with this address, and remove it from the account that you find there. Then add it again.",
    footer: "Was it not you? Nothing was changed, so you can ignore this email, or report it to {security}.",
  },
  addressChanged: {
    subject: "The addresses of your {app} account changed",
    title: "Your account changed",
    added: "An email address or phone number was added to your {app} account on {day}.",
    removed: "An email address or phone number was removed from your {app} account on {day}.",
    primary: "Another email address or phone number became the primary one of your {app} account on {day}.",
    notYou: "Was it not you? Sign in, end all other sessions, then write to {security}.",
  },
  newDevice: {
    subject: "New sign-in to {app}",
    title: "New sign-in to your account",
    opening:
      "Somebody signed in to your {app} account on {day} at {time} UTC, from the IP address {ip}. Nobody has signed in to your account from this device or network before.",
    you: "If that was you, you can ignore this email.",
    notYou: "If it was not you, open this page and end that session. The link works for 7 days.",
    button: "This was not me",
    footer: "Do you need help? Write to {security}.",
  },
  sessionsEnded: {
    subject: "You were signed out of {app} on other devices",
    title: "Your other sessions were ended",
    opening: {
      one: "On {day} at {time} UTC, {count} session of your {app} account was ended.",
      other: "On {day} at {time} UTC, {count} sessions of your {app} account were ended.",
    },
    signIn: "To use {app} on those devices again, sign in there.",
    notYou: "Was it not you who ended them? Write to {security}.",
  },
  mfaChanged: {
    subject: "Your {app} sign-in was changed",
    title: "Your second step was changed",
    added: "On {day} at {time} UTC, a second step was added to the sign-in of your {app} account.",
    removed: "On {day} at {time} UTC, a second step was removed from the sign-in of your {app} account.",
    codes: "On {day} at {time} UTC, the recovery codes of your {app} account were replaced.",
    notYou: "Was it not you? Write to {security}.",
  },
  recoveryCodeUsed: {
    subject: "A recovery code of {app} was used",
    title: "A recovery code was used",
    opening: "On {day} at {time} UTC, a recovery code was used to sign in to your {app} account.",
    left: {
      one: "{count} recovery code is left. Create new codes before you run out.",
      other: "{count} recovery codes are left.",
    },
    notYou: "Was it not you? Write to {security}.",
  },
  oauthChanged: {
    subject: "The ways to sign in to {app} changed",
    title: "Your ways to sign in changed",
    linked: "Since {day} at {time} UTC, you can sign in to {app} with your account at {provider}.",
    unlinked:
      "Since {day} at {time} UTC, you can't sign in to {app} with your account at {provider} any more.",
    footer: "Was it not you who changed this? Write to {security}.",
  },
  webhookDisabled: {
    subject: "A webhook of {app} was disabled",
    title: "A webhook was disabled",
    opening: "On {day} at {time} UTC, {app} stopped sending messages to the webhook at {host}.",
    gone: "The receiver answered 410: it wants no more messages.",
    failing: "Every message has failed for 5 days.",
    next: "Messages that were waiting are not sent. Correct the receiver, enable the webhook, and then send again the messages that you still need.",
  },
  welcome: {
    subject: "Welcome to {app}!",
    title: "Welcome to {app}",
    opening: "Thank you for subscribing. Your account is active.",
  },
  welcomeTrial: {
    subject: "Your {app} Trial has begun!",
    title: "Your {app} trial has begun",
    titleUnused: "Your {app} trial is ready",
    opening: "Thank you for trying {app}.",
  },
  welcomes: {
    signIn:
      "Sign in with the email address that received this email. There is no password: we email you a link each time.",
    download: "Download {app}",
    docs: "New here? [The docs] begin with a ten-minute tour.",
  },
  trialWillEnd: {
    subject: "Your {app} trial ends soon",
    ends: "Your trial ends on {day}.",
    charged:
      "Your subscription begins then, and the card that you added is charged. If you don't want that, open {app}, choose your account, then billing, and cancel before that day.",
    notCharged:
      "To go on, open {app}, choose your account, then billing, and renew your plan or add a card. If you do nothing, the trial ends by itself and nothing is charged.",
  },
  duplicate: {
    subject: "Duplicate {app} Subscription",
    title: "You had two subscriptions",
    opening: "You can have one {app} subscription at a time, and you had two.",
  },
  replaced: {
    subject: "Your {app} subscription was replaced",
    title: "Your new subscription replaces the old one",
    opening: "Your new {app} subscription replaces the one that you had.",
  },
  rejection: {
    canceled: "We canceled the {subscription}.",
    later: "You bought two on that day. We canceled the later one.",
    earlier: "You bought two on that day. We canceled the earlier one.",
    refunded:
      "We refunded {amount} to the payment method that you paid with. The money is usually there within ten days.",
    credited: "We credited {amount} to your balance.",
    creditIsUsed: "It is used for your next invoices.",
    creditIsNotUsed:
      "Your other subscription does not use that balance: write to us if you want the money in another way.",
    renewing: "Your {subscription} stays and renews as before. You do not need to do anything.",
    ending:
      "Your {subscription} stays until {day}, when it ends as scheduled. You can change that in the billing portal: open {app}, choose your account, then billing.",
    paymentDue:
      "Your {subscription} stays. It has an unpaid invoice: open {app}, choose your account, then billing, to pay it.",
    paused: "Your {subscription} stays. Payments for it are paused.",
    invoiceClosed: "Your {subscription} stays. Its last invoice was canceled.",
    paidUntil: "It is paid for until {day}.",
    trialing: "Your trial stays and ends on {day}.",
    trialUnused: "Your trial stays.",
  },
  subscription: {
    day: {
      one: "daily subscription that you bought on {day}",
      other: "{count}-day subscription that you bought on {day}",
    },
    week: {
      one: "weekly subscription that you bought on {day}",
      other: "{count}-week subscription that you bought on {day}",
    },
    month: {
      one: "monthly subscription that you bought on {day}",
      other: "{count}-month subscription that you bought on {day}",
    },
    year: {
      one: "yearly subscription that you bought on {day}",
      other: "{count}-year subscription that you bought on {day}",
    },
  },
  trial: {
    active: "Your trial is active and ends on {day}.",
    activeFree: "Your trial is active and ends on {day}; nothing is charged until you choose to continue.",
    freeThen: "Your subscription begins then, and nothing is charged on that day.",
    chargedThen: "Your subscription begins then, and your payment method is charged.",
    amountChargedThen: "Your subscription begins then, and your payment method is charged {amount}.",
    cancelBeforeDay:
      "If you don't want that, cancel before that day: open {app}, choose your account, then billing.",
    ready: "Your trial is ready.",
    daysBegin: {
      one: "Its one day begins when you first use it.",
      other: "Its {count} days begin when you first use it.",
    },
    unused: "If nobody uses it, it ends by itself on {day}.",
    unusedFree: "If nobody uses it, it ends by itself on {day}, and nothing is charged.",
    freeAtEnd: "Your subscription begins at its end, and nothing is charged on that day.",
    chargedAtEnd: "Your subscription begins at its end, and your payment method is charged.",
    amountChargedAtEnd: "Your subscription begins at its end, and your payment method is charged {amount}.",
    cancelBeforeEnd:
      "If you don't want that, cancel before its end: open {app}, choose your account, then billing.",
  },
  landing: {
    title: "Sign in to {app}",
    opens: "{app} opens automatically. If it does not, select Open {app}.",
    open: "Open {app}",
    paste: "Or paste the text into {app}",
    pasteHelp: "Copy this text and paste it where {app} asks for it.",
    copy: "Copy",
    copied: "Copied.",
    incomplete: "This link is incomplete.",
    openAgain: "Open it again from the email, or request a new link in {app}.",
    oauthDeclined:
      "You are not signed in, because you declined. Go back to {app} to try again or to sign in another way.",
    oauthAccountExists:
      "You are not signed in. There is already a user with this email address. Go back to {app}, sign in another way, then connect this account.",
    oauthRegistrationClosed:
      "You are not signed in. {app} accepts no new users at the moment. If you already have an account, go back to {app} and sign in another way.",
    oauthUnavailable:
      "You are not signed in, because the other service did not answer. Go back to {app} and try again later.",
    oauthFailed: "Signing in did not work. Go back to {app} and try again, or sign in another way.",
    noScript:
      "Turn on JavaScript, or copy the part of this page's URL after the question mark and paste it into {app}.",
    inviteTitle: "Join an account of {app}",
    inviteHelp:
      "Somebody invited you to their account. Sign in to {app} with the address to which the email was sent, then you can join. If you did not expect the email, close this page.",
    disownTitle: "End a session of {app}",
    disownHelp: "If you did not sign in, end the session. The device that signed in is signed out at once.",
    disown: "End the session",
    disowned: "The session was ended.",
    disownFailed: "The session could not be ended. The link may have expired: it works for 7 days.",
    verifyTitle: "Confirm your email address for {app}",
    verifyHelp: "If you requested this email, confirm that the address is yours.",
    verify: "Confirm the address",
    verified: "The address is confirmed.",
    verifyFailed:
      "The address could not be confirmed. The link may have expired or been used: request another one.",
    resetTitle: "Choose a new {app} password",
    newPassword: "New password",
    reset: "Set the password",
    resetDone: "The password is set, and every device was signed out. Sign in with the new password.",
    resetExpired: "This link has expired or was used. Request another one in {app}.",
    resetLimited: "There were too many attempts. Try again in an hour.",
    resetFailed: "The password could not be set. Try again.",
    passwordMissing: "Enter a new password.",
    tooShort: "Use at least {count} characters. A phrase of several words is easy to remember.",
    tooLong: "Use at most {count} characters.",
    breached: "This password is on a list of known passwords. Choose another one.",
    contextual: "The password must not contain the name of the app or of your address.",
    passkeyTitle: "Your {app} passkey",
    passkeyHelp:
      "{app} on this device asks for your passkey. Continue only if you have just started this in {app}.",
    passkey: "Continue with the passkey",
    passkeyFailed: "The passkey was not used. Try again, or go back to {app}.",
  },
  footer: { questions: "Questions? Write to {support}." },
});
