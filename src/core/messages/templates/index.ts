import { accountCreated } from "#core/messages/templates/account_created.ts";
import { accountDeleted } from "#core/messages/templates/account_deleted.ts";
import { accountInvite } from "#core/messages/templates/account_invite.ts";
import { addressChanged, verifyAddress } from "#core/messages/templates/identifiers.ts";
import { magicLink, signInLink, trialMagicLink } from "#core/messages/templates/magic_link.ts";
import { addressInUse, alreadyRegistered, noAccount } from "#core/messages/templates/no_secret.ts";
import { registered } from "#core/messages/templates/registered.ts";
import {
  duplicateSubscription,
  replacedSubscription,
} from "#core/messages/templates/rejected_subscription.ts";
import { passwordChanged, resetPassword } from "#core/messages/templates/reset_password.ts";
import { mfaChanged, recoveryCodeUsed } from "#core/messages/templates/second_factors.ts";
import {
  newDevice,
  oauthChanged,
  sessionsEnded,
  webhookDisabled,
} from "#core/messages/templates/security_notices.ts";
import { registrationCode, signInCode } from "#core/messages/templates/sign_in_code.ts";
import { trialWillEnd } from "#core/messages/templates/trial_will_end.ts";
import { welcome, welcomeTrial } from "#core/messages/templates/welcome.ts";

/** Every mail, by its name in the contract (1.5). */
export const TEMPLATES = {
  "magic-link": magicLink,
  "trial-magic-link": trialMagicLink,
  sign_in_code: signInCode,
  sign_in_link: signInLink,
  registration_code: registrationCode,
  already_registered: alreadyRegistered,
  registered,
  account_created: accountCreated,
  account_invite: accountInvite,
  account_deleted: accountDeleted,
  reset_password: resetPassword,
  no_account: noAccount,
  password_changed: passwordChanged,
  verify_address: verifyAddress,
  address_in_use: addressInUse,
  address_changed: addressChanged,
  new_device: newDevice,
  sessions_ended: sessionsEnded,
  mfa_changed: mfaChanged,
  recovery_code_used: recoveryCodeUsed,
  oauth_changed: oauthChanged,
  webhook_disabled: webhookDisabled,
  welcome,
  "welcome-trial": welcomeTrial,
  "trial-will-end": trialWillEnd,
  "duplicate-subscription": duplicateSubscription,
  "replaced-subscription": replacedSubscription,
} as const;

export type TemplateName = keyof typeof TEMPLATES;
export type TemplateVariables<Name extends TemplateName> = (typeof TEMPLATES)[Name]["sample"];
