//! Who is asking, proved: AWS Signature Version 4 on requests, their chunks and their bodies.
//!
//! Pure: no I/O, no clock of its own (time is handed in), no knowledge of services.

pub mod sigv4;
