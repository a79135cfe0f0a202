//! The service cloudformation.
