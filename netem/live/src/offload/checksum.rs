//! The Internet checksum (RFC 1071).

/// The one's complement sum of 16-bit words, not yet folded.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    // 32-bit halves of eight bytes leave room for 2^32 additions.
    let whole: u64 = words
        .iter()
        .map(|word| {
            let word = u64::from_be_bytes(*word);
            (word >> 32) + (word & 0xffff_ffff)
        })
        .sum();
    let mut end = [0; 8];
    end[..rest.len()].copy_from_slice(rest);
    let end = u64::from_be_bytes(end);
    whole + (end >> 32) + (end & 0xffff_ffff)
}

/// The sum in 16 bits.
pub(super) const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(fold(sum(&bytes)), 0xddf2);
    }

    #[test]
    fn any_length_is_padded_with_zero() {
        for length in 0..64_usize {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 37 + 11) as u8).collect();
            let words = bytes.chunks(2).map(|pair| {
                let low = pair.get(1).copied().unwrap_or_default();
                u64::from(u16::from_be_bytes([pair[0], low]))
            });
            assert_eq!(fold(sum(&bytes)), fold(words.sum()), "{length}");
        }
    }
}
