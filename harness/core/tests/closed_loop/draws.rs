//! The random losses of the reference harness.

/// Numbers of the lost ones among the first `packets` of the flow: SplitMix64
/// from 12345, one draw per packet in the order of departure, lost when its
/// upper 53 bits as a fraction are below `share`.
pub(crate) fn lost(share: f64, packets: u64) -> Vec<u64> {
    let mut state = 12_345_u64;
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..packets).filter(|_| draw() < share).collect()
}
