use proptest::prelude::*;

use super::{add_products, cauchy, divide, inverse, multiply, portable};

/// The product as schoolbooks have it: bit by bit, then the remainder.
fn by_hand(a: u8, b: u8) -> u8 {
    let product = (0..8)
        .filter(|bit| b >> bit & 1 == 1)
        .fold(0_u16, |sum, bit| sum ^ u16::from(a) << bit);
    let reduced = (8..15)
        .rev()
        .fold(product, |rest, bit| match rest >> bit & 1 {
            1 => rest ^ 0x11d << (bit - 8),
            _ => rest,
        });
    reduced as u8
}

#[test]
fn products_are_those_of_the_polynomials() {
    for a in 0..=255 {
        for b in 0..=255 {
            assert_eq!(multiply(a, b), by_hand(a, b), "{a} x {b}");
        }
    }
    // RFC 6330 section 5.7.3: OCT_EXP begins with these.
    let powers = (0..9).scan(1, |power, _| {
        Some(std::mem::replace(power, multiply(*power, 2)))
    });
    assert!(powers.eq([1, 2, 4, 8, 16, 32, 64, 128, 29]));
}

#[test]
fn division_undoes_multiplication() {
    assert_eq!((inverse(0), divide(7, 0)), (0, 0));
    for a in 1..=255 {
        assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        for b in 0..=255 {
            assert_eq!(divide(multiply(a, b), a), b, "{b} x {a} / {a}");
        }
    }
}

proptest! {
    #[test]
    fn both_forms_add_what_the_definition_says(
        rows in 0_usize..7,
        width in 0_usize..400,
        surplus in 0_usize..3,
        sources in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..450), 0..6),
        seed in any::<u8>(),
    ) {
        let factor = |at: usize| (at as u8).wrapping_mul(31).wrapping_add(seed);
        let coefficients: Vec<u8> = (0..rows * sources.len()).map(factor).collect();
        let before: Vec<u8> = (0..rows * width + surplus).map(factor).collect();
        let mut expected = before.clone();
        for row in 0..rows {
            for (column, source) in sources.iter().enumerate() {
                let factor = coefficients[row * sources.len() + column];
                for (at, byte) in source.iter().take(width).enumerate() {
                    expected[row * width + at] ^= multiply(factor, *byte);
                }
            }
        }
        let sources: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
        let mut found = before.clone();
        add_products(&mut found, width, &coefficients, &sources);
        prop_assert_eq!(&found, &expected);
        if width > 0 && !sources.is_empty() {
            let mut found = before;
            portable::add_products(&mut found, width, &coefficients, &sources);
            prop_assert_eq!(&found, &expected);
        }
    }
}

/// A block with data of different lengths.
fn block(count: usize, width: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|at| {
            let length = width - at * 7 % (width / 2);
            (0..length)
                .map(|byte| (byte * 37 + at * 101 + byte / 11) as u8)
                .collect()
        })
        .collect()
}

/// Whether the data come back from the symbols whose bits are set: those of the
/// data are the lower ones.
fn comes_back(data: &[Vec<u8>], repair: &[u8], width: usize, kept: u64) -> bool {
    let here = |at: &usize| kept >> at & 1 == 1;
    let kept_data: Vec<(u8, &[u8])> = (0..data.len())
        .filter(here)
        .map(|at| (at as u8, data[at].as_slice()))
        .collect();
    let kept_repair: Vec<(u8, &[u8])> = repair
        .chunks_exact(width)
        .enumerate()
        .filter(|(row, _)| here(&(data.len() + row)))
        .map(|(row, symbol)| (row as u8, symbol))
        .collect();
    let Some(found) = cauchy::decode(data.len(), &kept_data, &kept_repair, width) else {
        return false;
    };
    for (at, symbol) in found.iter() {
        let whole = &data[usize::from(at)];
        assert_eq!(symbol[..whole.len()], whole[..], "symbol {at} of {kept:b}");
        assert!(symbol[whole.len()..].iter().all(|byte| *byte == 0));
    }
    found.iter().len() == data.len() - kept_data.len()
}

#[test]
fn any_ten_of_thirteen_symbols_give_the_data() {
    let (data, width) = (block(10, 120), 120);
    let sources: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    let mut repair = vec![0; 3 * width];
    cauchy::encode(&sources, 0, width, &mut repair);
    for kept in 0_u64..1 << 13 {
        let enough = kept.count_ones() >= 10;
        assert_eq!(comes_back(&data, &repair, width, kept), enough, "{kept:b}");
    }
}

#[test]
fn the_first_repair_symbol_is_the_sum_and_each_stands_for_itself() {
    let data = block(5, 40);
    let sources: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    let (mut all, mut third) = (vec![0; 4 * 40], vec![0; 40]);
    cauchy::encode(&sources, 0, 40, &mut all);
    let mut sum = vec![0; 40];
    for symbol in &data {
        sum.iter_mut()
            .zip(symbol)
            .for_each(|(sum, byte)| *sum ^= byte);
    }
    assert_eq!(all[..40], sum);
    cauchy::encode(&sources, 2, 40, &mut third);
    assert_eq!(all[80..120], third);
}

#[test]
fn a_repair_symbol_given_twice_counts_once() {
    let data = block(3, 20);
    let sources: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    let mut repair = vec![0; 20];
    cauchy::encode(&sources, 0, 20, &mut repair);
    let twice = [(0, repair.as_slice()); 2];
    assert_eq!(cauchy::decode(3, &[(1, sources[1])], &twice, 20), None);
}

proptest! {
    #[test]
    fn blocks_of_any_size_come_back(
        count in 1_usize..40,
        rows in 1_usize..20,
        width in 2_usize..200,
        kept in any::<u64>(),
    ) {
        let data = block(count, width);
        let sources: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        let mut repair = vec![0; rows * width];
        cauchy::encode(&sources, 0, width, &mut repair);
        let kept = kept & ((1 << (count + rows)) - 1);
        let enough = kept.count_ones() as usize >= count;
        // Parity symbols that are missing may not be needed.
        let missing = count - (kept & ((1 << count) - 1)).count_ones() as usize;
        let repairs = (kept >> count).count_ones() as usize;
        prop_assert_eq!(enough, repairs >= missing);
        prop_assert_eq!(comes_back(&data, &repair, width, kept), enough);
    }
}
