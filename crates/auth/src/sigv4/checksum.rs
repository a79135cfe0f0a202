//! The checksums that S3 takes with a body (`x-amz-checksum-*`), as running sums.
//!
//! CRC32 comes from a crate that uses the processor's instructions. CRC32C and CRC64NVME are
//! tables of sixteen, about a gigabyte a second: the crates that do better bring unsafe code and
//! processor detection of their own, for checksums that are not what bounds an upload.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// An algorithm of `x-amz-checksum-*`. (S3's newer ones, SHA512, MD5 and the XXHASH family, are
/// not offered.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC), what SDKs send by default.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME, what S3 computes where nothing is sent.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ChecksumAlgorithm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The header or trailer that carries it.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// Its name in S3's API (`ChecksumAlgorithm`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// By [`header`](Self::header), in any case.
    pub fn of_header(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.header().eq_ignore_ascii_case(name))
    }

    /// By [`as_str`](Self::as_str), in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str().eq_ignore_ascii_case(name))
    }

    /// Bytes of a sum.
    pub const fn size(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// A sum under way.
pub struct Sum(Running);

enum Running {
    Crc32(crc32fast::Hasher),
    Crc32c(u64),
    Crc64(u64),
    Digest(Context),
}

impl Sum {
    /// The sum of nothing yet.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        Self(match algorithm {
            ChecksumAlgorithm::Crc32 => Running::Crc32(crc32fast::Hasher::new()),
            ChecksumAlgorithm::Crc32c => Running::Crc32c(u64::from(u32::MAX)),
            ChecksumAlgorithm::Crc64Nvme => Running::Crc64(u64::MAX),
            ChecksumAlgorithm::Sha1 => Running::Digest(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            ChecksumAlgorithm::Sha256 => Running::Digest(Context::new(&SHA256)),
        })
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Running::Crc32(hasher) => hasher.update(bytes),
            Running::Crc32c(state) => *state = crc(*state, &CRC32C, bytes),
            Running::Crc64(state) => *state = crc(*state, &CRC64, bytes),
            Running::Digest(context) => context.update(bytes),
        }
    }

    /// Big-endian bytes, as they go into base64.
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            Running::Crc32(hasher) => hasher.finalize().to_be_bytes().to_vec(),
            Running::Crc32c(state) => (!(state as u32)).to_be_bytes().to_vec(),
            Running::Crc64(state) => (!state).to_be_bytes().to_vec(),
            Running::Digest(context) => context.finish().as_ref().to_vec(),
        }
    }
}

impl std::fmt::Debug for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sum")
    }
}

type Tables = [[u64; 256]; 16];

static CRC32C: Tables = tables(0x82f6_3b78);
static CRC64: Tables = tables(0x9a6c_9329_ac4b_c9b5);

/// `tables[k][b]`: what byte `b` becomes after `k` more zero bytes. `polynomial` is reflected.
#[allow(clippy::indexing_slicing, clippy::large_stack_arrays)] // runs in the compiler only
const fn tables(polynomial: u64) -> Tables {
    let mut tables = [[0; 256]; 16];
    let mut b = 0;
    while b < 256 {
        let mut crc = b as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ polynomial } else { crc >> 1 };
            bit += 1;
        }
        tables[0][b] = crc;
        b += 1;
    }
    let mut k = 1;
    while k < 16 {
        let mut b = 0;
        while b < 256 {
            let before = tables[k - 1][b];
            tables[k][b] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            b += 1;
        }
        k += 1;
    }
    tables
}

/// Sixteen bytes a step ("slicing-by-16", after Kounavis and Berry); a CRC of 32 bits lies in the
/// lower half of the state.
fn crc(mut state: u64, tables: &Tables, bytes: &[u8]) -> u64 {
    let look = |table: &[u64; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
    let mut steps = bytes.chunks_exact(16);
    for step in &mut steps {
        let mut mixed = [0u8; 16];
        mixed.copy_from_slice(step);
        for (to, from) in mixed.iter_mut().zip(state.to_le_bytes()) {
            *to ^= from;
        }
        state =
            tables.iter().rev().zip(mixed).fold(0, |sum, (table, byte)| sum ^ look(table, byte));
    }
    let [first, ..] = tables;
    for byte in steps.remainder() {
        state = (state >> 8) ^ look(first, state as u8 ^ byte);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_of_the_catalogue() {
        // The CRC catalogue's check values and FIPS 180's for "abc" have the same form: known.
        for (algorithm, text, hex) in [
            (ChecksumAlgorithm::Crc32, "123456789", "cbf43926"),
            (ChecksumAlgorithm::Crc32c, "123456789", "e3069283"),
            (ChecksumAlgorithm::Crc64Nvme, "123456789", "ae8b14860a799888"),
            (ChecksumAlgorithm::Sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ] {
            let mut sum = Sum::new(algorithm);
            sum.update(text.as_bytes());
            let bytes = sum.finish();
            assert_eq!(super::super::encode::hex(&bytes), hex, "{algorithm:?}");
            assert_eq!(bytes.len(), algorithm.size());
        }
    }

    #[test]
    fn pieces_and_whole_agree() {
        let bytes: Vec<u8> = (0..1000u32).map(|n| (n * 7 % 251) as u8).collect();
        for algorithm in ChecksumAlgorithm::ALL {
            let mut whole = Sum::new(algorithm);
            whole.update(&bytes);
            let whole = whole.finish();
            for size in [1, 7, 16, 333] {
                let mut sum = Sum::new(algorithm);
                bytes.chunks(size).for_each(|piece| sum.update(piece));
                assert_eq!(sum.finish(), whole);
            }
            assert_eq!(ChecksumAlgorithm::of_header(algorithm.header()), Some(algorithm));
            assert_eq!(ChecksumAlgorithm::of_name(algorithm.as_str()), Some(algorithm));
        }
    }
}
