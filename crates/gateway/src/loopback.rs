//! Which hosts can only be this machine.
//!
//! A page of anybody's can have its name lead to 127.0.0.1 once it is loaded (DNS rebinding). What
//! is for this machine alone therefore asks for the Host, which the browser sets, beside the peer's
//! address, which is loopback then too.

use std::net::IpAddr;

use crate::bare_host;

/// Whether a Host (with or without port) is a loopback address, or `localhost` itself.
pub fn is_loopback_host(authority: &str) -> bool {
    let host = bare_host(authority);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    host == "localhost"
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The same, or a name below `localhost`, which nobody can have elsewhere (RFC 6761 section 6.3).
pub(crate) fn is_local_host(authority: &str) -> bool {
    is_loopback_host(authority) || bare_host(authority).ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_this_machine() {
        for (authority, loopback, local) in [
            ("127.0.0.1:4600", true, true),
            ("127.9.9.9", true, true),
            ("localhost", true, true),
            ("LOCALHOST.:1", true, true),
            ("[::1]:4600", true, true),
            ("[::1]", true, true),
            ("[::ffff:127.0.0.1]", true, true),
            ("a.execute-api.us-east-1.localhost:4600", false, true),
            ("rebound.example.com:4600", false, false),
            ("127.0.0.1.example.com", false, false),
            ("localhost.example.com", false, false),
            ("notlocalhost", false, false),
            ("0.0.0.0:4600", false, false),
            ("192.168.0.1", false, false),
            (".", false, false),
            ("", false, false),
        ] {
            assert_eq!(is_loopback_host(authority), loopback, "{authority}");
            assert_eq!(is_local_host(authority), local, "{authority}");
        }
    }
}
