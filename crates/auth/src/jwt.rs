//! JSON Web Tokens: verified over an issuer's published keys, and minted.
//!
//! What attacks on verifiers have in common is that the token is asked how it wants to be
//! verified (RFC 8725). Here the key says: its algorithm is fixed when the key set is read, and
//! the token's header may only agree.

mod claims;
mod keys;
mod sign;
mod verify;

pub use keys::{JwkError, Jwks, MAX_JWKS};
pub use sign::{PrivateKey, PublicJwk, Signer, SignerError, generate_rsa};
pub use verify::{Claims, JwtError, MAX_TOKEN, Rules, TokenUse, Verifier};
