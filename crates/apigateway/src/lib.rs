//! The service apigateway.
