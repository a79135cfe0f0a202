//! `Fn::Cidr`: address blocks cut from a larger one.

use std::net::IpAddr;

/// `count` blocks of `bits` host bits each, cut from the start of `block`.
///
/// `None` where the block is malformed or does not hold so many. AWS allows 1 to 256 blocks.
pub(crate) fn blocks(block: &str, count: u32, bits: u32) -> Option<Vec<String>> {
    let (address, prefix) = block.split_once('/')?;
    let address: IpAddr = address.trim().parse().ok()?;
    let prefix: u32 = prefix.trim().parse().ok()?;
    let (width, base) = match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    if prefix > width || bits > width - prefix || count == 0 || count > 256 {
        return None;
    }
    let host_bits = width - prefix;
    if host_bits - bits < 8 && count > 1 << (host_bits - bits) {
        return None;
    }
    let base = base & !low_mask(host_bits);
    (0..u128::from(count))
        .map(|at| {
            let start = base | at.checked_shl(bits).unwrap_or(0);
            let address = if width == 32 {
                IpAddr::V4(u32::try_from(start).ok()?.into())
            } else {
                IpAddr::V6(start.into())
            };
            Some(format!("{address}/{}", width - bits))
        })
        .collect()
}

fn low_mask(bits: u32) -> u128 {
    1_u128.checked_shl(bits).map_or(u128::MAX, |bit| bit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_blocks() {
        let two = blocks("192.168.0.0/24", 2, 5);
        assert_eq!(two, Some(vec!["192.168.0.0/27".to_owned(), "192.168.0.32/27".to_owned()]));
        assert_eq!(
            blocks("2001:db8::/56", 2, 64),
            Some(vec!["2001:db8::/64".to_owned(), "2001:db8:0:1::/64".to_owned()])
        );
        for (block, count, bits) in
            [("10.0.0.0/24", 9, 5), ("10.0.0.0/33", 1, 0), ("x/8", 1, 1), ("10.0.0.0/8", 257, 8)]
        {
            assert_eq!(blocks(block, count, bits), None, "{block} {count} {bits}");
        }
    }

    #[test]
    fn never_panics() {
        bolero::check!().with_iterations(4000).with_type::<(String, u32, u32)>().for_each(
            |(block, count, bits)| {
                let _ = blocks(block, *count, *bits);
                let _ = blocks(&format!("10.1.2.3/{}", count % 40), *bits % 300, bits % 140);
            },
        );
    }
}
