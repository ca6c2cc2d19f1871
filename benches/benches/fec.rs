//! Erasure codes beside each other: time per block of 1200 B symbols, encoding
//! and decoding, each time with other losses.
//!
//! Ours is the Cauchy code of `fec::gf256`. The codecs of the others are built
//! once, outside of what is measured, where they can be; what depends on which
//! symbols are lost is inside.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use raptorq::{
    EncodingPacket, ObjectTransmissionInformation, SourceBlockDecoder, SourceBlockEncoder,
    SourceBlockEncodingPlan,
};
use reed_solomon_erasure::galois_8::ReedSolomon;
use weaknet_transports::fec::gf256::cauchy;

const SYMBOL: usize = 1_200;

/// Loss patterns that take turns.
const PATTERNS: usize = 61;

/// Data symbols, repair symbols.
const BLOCKS: [(usize, usize); 3] = [(10, 3), (50, 10), (200, 40)];

fn data(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|at| (0..SYMBOL).map(|byte| (byte * 7 + at * 13) as u8).collect())
        .collect()
}

/// `lost` numbers of data symbols, others in each pattern.
fn patterns(count: usize, lost: usize) -> Vec<Vec<usize>> {
    let step = |pattern: usize| {
        (0..count)
            .step_by(1)
            .map(move |n| (n * 7 + pattern * 11) % count)
    };
    (0..PATTERNS)
        .map(|pattern| {
            let mut numbers: Vec<usize> = Vec::new();
            for number in step(pattern * pattern + 1) {
                if numbers.len() < lost && !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            numbers.sort_unstable();
            numbers
        })
        .collect()
}

fn encode(criterion: &mut Criterion) {
    for (k, r) in BLOCKS {
        let mut group = criterion.benchmark_group(format!("encode/{k}+{r}"));
        let data = data(k);
        let sources: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();

        let mut repair = vec![0; r * SYMBOL];
        group.bench_function("weaknet", |bencher| {
            bencher.iter(|| cauchy::encode(black_box(&sources), 0, SYMBOL, &mut repair));
        });

        let codec = ReedSolomon::new(k, r).expect("a valid size");
        let mut shards: Vec<Vec<u8>> = (0..r).map(|_| vec![0; SYMBOL]).collect();
        group.bench_function("reed-solomon-erasure", |bencher| {
            bencher.iter(|| codec.encode_sep(black_box(&data), &mut shards));
        });

        let mut encoder =
            reed_solomon_simd::ReedSolomonEncoder::new(k, r, SYMBOL).expect("a valid size");
        group.bench_function("reed-solomon-simd", |bencher| {
            bencher.iter(|| {
                for symbol in &sources {
                    encoder.add_original_shard(symbol).expect("its turn");
                }
                let result = encoder.encode().expect("all symbols");
                black_box(result.recovery(0).map(<[u8]>::len))
            });
        });

        let (whole, config, plan) = raptor(&data);
        group.bench_function("raptorq", |bencher| {
            bencher.iter(|| {
                let encoder =
                    SourceBlockEncoder::with_encoding_plan(0, &config, black_box(&whole), &plan);
                encoder.repair_packets(0, r as u32)
            });
        });
        group.finish();
    }
}

/// A block as raptorq takes it.
fn raptor(
    data: &[Vec<u8>],
) -> (
    Vec<u8>,
    ObjectTransmissionInformation,
    SourceBlockEncodingPlan,
) {
    let whole = data.concat();
    let config = ObjectTransmissionInformation::new(whole.len() as u64, SYMBOL as u16, 1, 1, 8);
    let plan = SourceBlockEncodingPlan::generate(data.len() as u16);
    (whole, config, plan)
}

fn decode(criterion: &mut Criterion) {
    for (k, r) in BLOCKS {
        let mut group = criterion.benchmark_group(format!("decode/{k}+{r}"));
        let data = data(k);
        let sources: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        for lost in [1, r] {
            let patterns = patterns(k, lost);
            let name = |codec| BenchmarkId::new(codec, format!("{lost} lost"));
            let mut turn = (0..PATTERNS).cycle();
            let mut next = || &patterns[turn.next().expect("a cycle")];

            let mut repair = vec![0; r * SYMBOL];
            cauchy::encode(&sources, 0, SYMBOL, &mut repair);
            let rows: Vec<(u8, &[u8])> = (0..).zip(repair.chunks_exact(SYMBOL)).collect();
            group.bench_function(name("weaknet"), |bencher| {
                bencher.iter(|| {
                    let lost = next();
                    let here: Vec<(u8, &[u8])> = (0..k)
                        .filter(|at| !lost.contains(at))
                        .map(|at| (at as u8, sources[at]))
                        .collect();
                    let found = cauchy::decode(k, &here, &rows, SYMBOL).expect("enough symbols");
                    assert_eq!(found.iter().len(), lost.len());
                    found
                });
            });

            let codec = ReedSolomon::new(k, r).expect("a valid size");
            let mut shards: Vec<Vec<u8>> = (0..r).map(|_| vec![0; SYMBOL]).collect();
            codec.encode_sep(&data, &mut shards).expect("whole symbols");
            let mut all: Vec<Option<Vec<u8>>> =
                data.iter().chain(&shards).cloned().map(Some).collect();
            group.bench_function(name("reed-solomon-erasure"), |bencher| {
                bencher.iter(|| {
                    for at in next() {
                        all[*at] = None;
                    }
                    codec
                        .reconstruct_data(black_box(&mut all))
                        .expect("enough symbols");
                });
            });

            let repair = reed_solomon_simd::encode(k, r, &sources).expect("whole symbols");
            let mut decoder =
                reed_solomon_simd::ReedSolomonDecoder::new(k, r, SYMBOL).expect("a valid size");
            group.bench_function(name("reed-solomon-simd"), |bencher| {
                bencher.iter(|| {
                    let lost = next();
                    for at in (0..k).filter(|at| !lost.contains(at)) {
                        decoder.add_original_shard(at, sources[at]).expect("once");
                    }
                    for (at, symbol) in repair.iter().enumerate().take(lost.len()) {
                        decoder.add_recovery_shard(at, symbol).expect("once");
                    }
                    let result = decoder.decode().expect("enough symbols");
                    black_box(result.restored_original_iter().count())
                });
            });

            let (whole, config, plan) = raptor(&data);
            let encoder = SourceBlockEncoder::with_encoding_plan(0, &config, &whole, &plan);
            // One more than lost: with as many, one block in 200 stays incomplete.
            let (source, extra) = (
                encoder.source_packets(),
                encoder.repair_packets(0, r as u32 + 1),
            );
            group.bench_function(name("raptorq"), |bencher| {
                bencher.iter(|| {
                    let lost = next();
                    let here = (0..k)
                        .filter(|at| !lost.contains(at))
                        .map(|at| source[at].clone());
                    let packets: Vec<EncodingPacket> = here
                        .chain(extra.iter().take(lost.len() + 1).cloned())
                        .collect();
                    let mut decoder = SourceBlockDecoder::new(0, &config, whole.len() as u64);
                    decoder.decode(packets).expect("enough symbols")
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, encode, decode);
criterion_main!(benches);
