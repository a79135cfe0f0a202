//! Checksums of objects: in the requests' and answers' fields, and of whole objects from parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_auth::sigv4::{ChecksumAlgorithm, Sum};

/// Reads the fields `checksum_*` of an input: each algorithm with what is said of it.
macro_rules! claimed {
    ($input:expr) => {
        $crate::checksum::first_claimed([
            (cumulet_auth::sigv4::ChecksumAlgorithm::Crc32, $input.checksum_crc32.as_deref()),
            (cumulet_auth::sigv4::ChecksumAlgorithm::Crc32c, $input.checksum_crc32_c.as_deref()),
            (
                cumulet_auth::sigv4::ChecksumAlgorithm::Crc64Nvme,
                $input.checksum_crc64_nvme.as_deref(),
            ),
            (cumulet_auth::sigv4::ChecksumAlgorithm::Sha1, $input.checksum_sha1.as_deref()),
            (cumulet_auth::sigv4::ChecksumAlgorithm::Sha256, $input.checksum_sha256.as_deref()),
        ])
    };
}

/// Whether an input has a checksum of an algorithm that is not offered here: it must be refused,
/// or a client would think it checked.
macro_rules! unknown_claimed {
    ($input:expr) => {
        $input.checksum_sha512.is_some()
            || $input.checksum_md5.is_some()
            || $input.checksum_xxhash64.is_some()
            || $input.checksum_xxhash3.is_some()
            || $input.checksum_xxhash128.is_some()
    };
}

/// Sets the field of an output that belongs to a checksum's algorithm: name and base64.
macro_rules! show {
    ($output:expr, $algorithm:expr, $value:expr) => {{
        let value: Option<String> = Some($value.to_owned());
        match $algorithm {
            "CRC32" => $output.checksum_crc32 = value,
            "CRC32C" => $output.checksum_crc32_c = value,
            "CRC64NVME" => $output.checksum_crc64_nvme = value,
            "SHA1" => $output.checksum_sha1 = value,
            "SHA256" => $output.checksum_sha256 = value,
            _ => {}
        }
    }};
}

pub(crate) use {claimed, show, unknown_claimed};

/// The first algorithm of which something is said.
pub(crate) fn first_claimed(
    fields: [(ChecksumAlgorithm, Option<&str>); 5],
) -> Option<(ChecksumAlgorithm, String)> {
    fields.into_iter().find_map(|(algorithm, value)| Some((algorithm, value?.to_owned())))
}

/// The composite checksum: of the parts' raw checksums, with their number.
pub(crate) fn composite(algorithm: ChecksumAlgorithm, parts: &[Vec<u8>]) -> String {
    let mut sum = Sum::new(algorithm);
    for part in parts {
        sum.update(part);
    }
    format!("{}-{}", STANDARD.encode(sum.finish()), parts.len())
}

/// The checksum of the whole from those of its parts, each with its length: possible with CRCs.
pub(crate) fn full_object(
    algorithm: ChecksumAlgorithm,
    parts: &[(Vec<u8>, u64)],
) -> Option<String> {
    let polynomial = match algorithm {
        ChecksumAlgorithm::Crc32 => 0xedb8_8320,
        ChecksumAlgorithm::Crc32c => 0x82f6_3b78,
        ChecksumAlgorithm::Crc64Nvme => 0x9a6c_9329_ac4b_c9b5,
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => return None,
    };
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    // Parts are mostly of one length.
    let mut last = (0, zeros(0, polynomial));
    let mut whole = 0;
    for (sum, len) in parts {
        if last.0 != *len {
            last = (*len, zeros(*len, polynomial));
        }
        whole = apply(&last.1, whole) ^ number(sum);
    }
    let bytes = whole.to_be_bytes();
    Some(STANDARD.encode(bytes.get(8 - algorithm.size()..)?))
}

/// A linear map of a CRC's register over GF(2): what becomes of each bit.
type Matrix = [u64; 64];

fn apply(matrix: &Matrix, register: u64) -> u64 {
    let bits = matrix.iter().enumerate().filter(|(bit, _)| register >> bit & 1 == 1);
    bits.fold(0, |sum, (_, column)| sum ^ column)
}

/// What `len` zero bytes do to the register: one step of it to the power of `len * 8` (the idea of
/// zlib's `crc32_combine`, for any width).
fn zeros(len: u64, polynomial: u64) -> Matrix {
    let mut step: Matrix =
        std::array::from_fn(|bit| if bit == 0 { polynomial } else { 1 << (bit - 1) });
    let mut all: Matrix = std::array::from_fn(|bit| 1 << bit);
    let mut steps = u128::from(len) * 8;
    while steps > 0 {
        if steps & 1 == 1 {
            all = all.map(|column| apply(&step, column));
        }
        step = step.map(|column| apply(&step, column));
        steps >>= 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Vec<u8> {
        let mut sum = Sum::new(algorithm);
        sum.update(bytes);
        sum.finish()
    }

    #[test]
    fn the_whole_follows_from_the_parts() {
        bolero::check!().with_type::<[Vec<u8>; 3]>().with_iterations(200).for_each(|parts| {
            let whole = parts.concat();
            for algorithm in
                [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme]
            {
                let sums: Vec<_> =
                    parts.iter().map(|p| (sum(algorithm, p), p.len() as u64)).collect();
                let expect = STANDARD.encode(sum(algorithm, &whole));
                assert_eq!(full_object(algorithm, &sums), Some(expect), "{algorithm:?}");
            }
        });
        assert_eq!(full_object(ChecksumAlgorithm::Sha256, &[]), None);
    }

    #[test]
    fn composites_count_their_parts() {
        let parts = [sum(ChecksumAlgorithm::Sha256, b"a"), sum(ChecksumAlgorithm::Sha256, b"b")];
        let text = composite(ChecksumAlgorithm::Sha256, &parts);
        let expect = STANDARD.encode(sum(ChecksumAlgorithm::Sha256, &parts.concat()));
        assert_eq!(text, format!("{expect}-2"));
    }
}
