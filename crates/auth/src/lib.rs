//! Who a request comes from and what it may do: signatures, policies and tokens.
//!
//! Pure: no I/O, no clock of its own (time is handed in), no knowledge of services.

mod json;
pub mod jwt;
pub mod policy;
pub mod sigv4;
