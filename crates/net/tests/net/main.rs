//! The listener and the client over real sockets, against raw bytes where it matters.
#![cfg(test)]

mod client;
mod http1;
mod http2;
mod lifecycle;
mod support;
mod tls;
