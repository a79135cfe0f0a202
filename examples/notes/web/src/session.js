// Who is signed in: the user pool, through Amplify.

import { Amplify } from "aws-amplify";
import {
  confirmResetPassword,
  confirmSignUp,
  fetchAuthSession,
  resendSignUpCode,
  resetPassword,
  signIn as signInToPool,
  signOut as signOutOfPool,
  signUp as signUpToPool,
} from "aws-amplify/auth";
import { parseAmplifyConfig } from "aws-amplify/utils";

/** Reads where the user pool is, from the file that lies beside the page. */
export async function configure() {
  const response = await fetch("/amplify_outputs.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`amplify_outputs.json: ${response.status}`);
  const outputs = await response.json();
  const config = parseAmplifyConfig(outputs);
  // A pool that is not at AWS's own address says here where it is: `userPoolEndpoint`.
  Object.assign(config.Auth.Cognito, outputs.custom?.Cognito);
  Amplify.configure(config);
}

/** The address of whoever is signed in, or null. */
export async function signedIn() {
  const { tokens } = await fetchAuthSession();
  return tokens?.idToken?.payload.email ?? null;
}

/** The ID token, fresh: Amplify renews it when it has run out. */
export async function idToken() {
  const { tokens } = await fetchAuthSession();
  return tokens?.idToken?.toString() ?? null;
}

export async function signUp(email, password) {
  const options = { userAttributes: { email } };
  await signUpToPool({ username: email, password, options });
}

export async function confirm(email, code) {
  await confirmSignUp({ username: email, confirmationCode: code });
}

export async function resendCode(email) {
  await resendSignUpCode({ username: email });
}

/** Signs in over SRP: the password stays here. Says what is to be done next. */
export async function signIn(email, password) {
  const options = { authFlowType: "USER_SRP_AUTH" };
  const { nextStep } = await signInToPool({ username: email, password, options });
  return nextStep.signInStep;
}

export async function sendResetCode(email) {
  await resetPassword({ username: email });
}

export async function choosePassword(email, code, newPassword) {
  await confirmResetPassword({ username: email, confirmationCode: code, newPassword });
}

/** Ends the session here and revokes its refresh token. */
export async function signOut() {
  await signOutOfPool();
}
