//! Why a body is refused, in S3's words; other services only compare the body's hash.

use std::fmt;

use super::{ChecksumAlgorithm, Described, Family, Mismatch, SignatureError};

/// What is wrong with a body, or with what its headers promise of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyFault {
    /// Its SHA-256 is not the one that was signed.
    Sha256 {
        /// Hex, from the header.
        claimed: String,
        /// Hex, computed.
        computed: String,
    },
    /// A chunk's signature, or the trailer's, differs.
    Signature(Box<Mismatch>),
    /// An unsigned request with signed chunks: there is nothing to check them against.
    UnsignedChain,
    /// It ended early, or holds more than `x-amz-decoded-content-length` says.
    Incomplete {
        /// Bytes promised.
        declared: u64,
        /// Bytes seen.
        got: u64,
    },
    /// A chunked form without a readable `x-amz-decoded-content-length`.
    NoLength,
    /// A chunk that is not the last and shorter than 8 KiB.
    ChunkSize {
        /// The number of the chunk in which it showed, from 1.
        chunk: u64,
        /// The size that is too small.
        size: u64,
    },
    /// A chunk's header or end is not what it should be.
    Chunk(&'static str),
    /// The trailer is not well-formed, or not what `x-amz-trailer` announces.
    Trailer(&'static str),
    /// Content-MD5 is not the base64 of 16 bytes.
    InvalidDigest,
    /// The MD5 differs.
    Md5 {
        /// Base64, from the header.
        expected: String,
        /// Base64, computed.
        computed: String,
    },
    /// A checksum differs.
    Checksum {
        /// Which.
        algorithm: ChecksumAlgorithm,
    },
    /// A checksum header that is not the base64 of the right number of bytes.
    ChecksumValue(ChecksumAlgorithm),
    /// More than one checksum, or one in header and trailer.
    ManyChecksums,
    /// `x-amz-sdk-checksum-algorithm` without the checksum.
    NoChecksum,
    /// `x-amz-trailer` announces something else than one known checksum.
    UnknownTrailer,
}

impl BodyFault {
    /// Status, code and message for this family of protocols.
    pub fn describe(&self, family: Family) -> Described {
        if let Self::Sha256 { claimed, computed } = self {
            let (claimed, computed) = (claimed.clone(), computed.clone());
            return SignatureError::BodyHash { claimed, computed }.describe(family);
        }
        let mut details = Vec::new();
        let (status, code) = match self {
            Self::Signature(what) => {
                return SignatureError::Mismatch(what.clone()).describe(family);
            }
            Self::Sha256 { .. } => (400, "XAmzContentSHA256Mismatch"),
            Self::UnsignedChain => (403, "AccessDenied"),
            Self::Incomplete { .. } | Self::Chunk(_) => (400, "IncompleteBody"),
            Self::NoLength => (411, "MissingContentLength"),
            Self::ChunkSize { chunk, size } => {
                details.push(("Chunk", chunk.to_string()));
                details.push(("BadChunkSize", size.to_string()));
                (403, "InvalidChunkSizeError")
            }
            Self::Trailer(_) => (400, "MalformedTrailerError"),
            Self::InvalidDigest => (400, "InvalidDigest"),
            Self::Md5 { expected, computed } => {
                details.push(("ExpectedDigest", expected.clone()));
                details.push(("CalculatedDigest", computed.clone()));
                (400, "BadDigest")
            }
            Self::Checksum { .. } => (400, "BadDigest"),
            Self::ChecksumValue(_)
            | Self::ManyChecksums
            | Self::NoChecksum
            | Self::UnknownTrailer => (400, "InvalidRequest"),
        };
        Described { status, code, message: self.to_string(), details }
    }
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256 { .. } => f.write_str(
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Self::Signature(_) => f.write_str("The signature of a chunk does not match."),
            Self::UnsignedChain => f.write_str("Access Denied"),
            Self::Incomplete { .. } => f.write_str(
                "You did not provide the number of bytes specified by the \
                 x-amz-decoded-content-length HTTP header",
            ),
            Self::NoLength => f.write_str("You must provide the Content-Length HTTP header."),
            Self::ChunkSize { .. } => {
                f.write_str("Only the last chunk is allowed to have a size less than 8192 bytes")
            }
            Self::Chunk(why) => {
                write!(f, "The request body terminated unexpectedly: {why}")
            }
            Self::Trailer(_) => f.write_str(
                "The request contained trailing data that was not well-formed or did not conform \
                 to our published schema.",
            ),
            Self::InvalidDigest => f.write_str("The Content-MD5 you specified was invalid."),
            Self::Md5 { .. } => {
                f.write_str("The Content-MD5 you specified did not match what we received.")
            }
            Self::Checksum { algorithm } => write!(
                f,
                "The {} you specified did not match the calculated checksum.",
                algorithm.as_str()
            ),
            Self::ChecksumValue(algorithm) => {
                write!(f, "Value for {} header is invalid.", algorithm.header())
            }
            Self::ManyChecksums => f.write_str(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not \
                 allowed.",
            ),
            Self::NoChecksum => f.write_str(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or \
                 x-amz-trailer headers were found.",
            ),
            Self::UnknownTrailer => {
                f.write_str("The value specified in the x-amz-trailer header is not supported")
            }
        }
    }
}

impl std::error::Error for BodyFault {}
