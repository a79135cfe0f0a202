// What went wrong, in a sentence for the person at the page.

const SENTENCES = {
  CodeMismatchException: "That is not the code we sent. Please look again.",
  ExpiredCodeException: "That code has run out. Please ask for a new one.",
  LimitExceededException: "That was a lot of tries. Please wait a while and try again.",
  NetworkError: "We cannot reach the server. Are you online?",
  NotAuthorizedException: "The email or the password is not right.",
  TooManyRequestsException: "That was a lot of tries. Please wait a while and try again.",
  UserNotFoundException: "The email or the password is not right.",
  UsernameExistsException: "There is an account with this email already. Please sign in.",
};

/** `error` of Amplify, the API or the network. */
export function explain(error) {
  if (error instanceof TypeError) return SENTENCES.NetworkError; // what fetch throws
  return SENTENCES[error.name] ?? (error.message || "Something went wrong. Please try again.");
}
