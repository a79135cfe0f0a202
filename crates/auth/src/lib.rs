//! Who a request comes from and what it may do: signatures, policies and tokens.
//!
//! Pure: no I/O, and time is handed in.

mod json;
pub mod jwt;
pub mod policy;
