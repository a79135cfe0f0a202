//! Parameter Store.
