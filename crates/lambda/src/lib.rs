//! The service lambda.
