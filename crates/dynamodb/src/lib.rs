//! DynamoDB. So far its pure parts: expressions, keys and capacity.

pub mod capacity;
pub mod expression;
pub mod key;
