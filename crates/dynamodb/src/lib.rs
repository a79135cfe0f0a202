//! TODO: dynamodb
