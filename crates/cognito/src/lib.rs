//! Cognito user pools.
mod srp;
