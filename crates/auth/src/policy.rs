//! IAM policies: read strictly, compiled once, evaluated fast.
//!
//! [`Document::parse`] takes a policy's text, [`evaluate`] decides a [`Request`] under
//! [`Policies`]. How each element is read stands in a module of its own: `principal`, `pattern`
//! (wildcards and variables), `condition`, `context` (condition keys). The cases in
//! `tests/policy/*.md` are the reference for what is decided how.
//!
//! ```
//! use cumulet_auth::policy::*;
//!
//! let policy = r#"{"Version": "2012-10-17", "Statement": {"Sid": "Home", "Effect": "Allow",
//!     "Action": "s3:*", "Resource": "arn:aws:s3:::home/${aws:username}/*"}}"#;
//! let policy = Document::parse(policy, Grammar::Identity)?;
//! let alice = Principal {
//!     kind: Kind::User,
//!     arn: "arn:aws:iam::123456789012:user/alice",
//!     account: "123456789012",
//!     ..Principal::ANONYMOUS
//! };
//! let request = Request {
//!     principal: alice,
//!     action: "s3:GetObject",
//!     resource: "arn:aws:s3:::home/alice/notes.txt",
//!     resource_account: "123456789012",
//!     now: cumulet_base::Timestamp::from_secs(1_795_222_923),
//!     context: &Keys::default().with("aws:SourceIp", Values::one("192.0.2.1")),
//! };
//! let policies = Policies { identity: &[&policy], ..Policies::default() };
//! match evaluate(&request, &policies) {
//!     Decision::Allow(by) => assert_eq!(by.and_then(|by| by.sid), Some("Home")),
//!     Decision::Deny(denial) => panic!("{}", denial.message(&request)),
//! }
//! # Ok::<(), PolicyError>(())
//! ```

mod condition;
mod context;
mod document;
mod error;
mod evaluate;
mod pattern;
mod principal;
mod statement;
mod value;

pub use context::{Context, Keys, Values};
pub use document::{Document, Grammar, MAX_SIZE, MAX_TEXT, size};
pub use error::PolicyError;
pub use evaluate::{Decision, Denial, Layer, Matched, Policies, Request, ResourcePolicy, evaluate};
pub use principal::{Kind, Principal};
