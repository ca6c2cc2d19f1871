//! Runs a workload once, for profilers:
//! `cargo run --release -p weaknet-benches --example workload -- T 64 60`.

use std::process::ExitCode;

use weaknet_core::Time;
use weaknet_harness::workload;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| {
        args.get(at)
            .and_then(|text: &String| text.parse::<u16>().ok())
    };
    let world = match (args.first().map(String::as_str), number(1), number(2)) {
        (Some("T"), Some(flows), Some(seconds)) => workload::bulk(flows).map(|w| (w, seconds)),
        (Some("M"), Some(seconds), None) => workload::media().map(|w| (w, seconds)),
        _ => {
            eprintln!("expected `T FLOWS SECONDS` or `M SECONDS`");
            return ExitCode::from(2);
        }
    };
    let Ok((mut world, seconds)) = world else {
        return ExitCode::FAILURE;
    };
    if world.run(Time::from_secs(seconds.into()), &mut ()).is_err() {
        return ExitCode::FAILURE;
    }
    eprintln!("{:?}", world.links()[0].counts());
    ExitCode::SUCCESS
}
