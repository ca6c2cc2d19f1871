//! `weaknet trace synth`: a trace drawn from a model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use weaknet_core::{Bitrate, Span};
use weaknet_harness::files::Folders;
use weaknet_harness::metrics::LinkFacts;
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::synth::{self, Gaps, Lognormal, Markov, Model, State};
use weaknet_harness::trace::{Conversion, convert};
use weaknet_harness::world;
use weaknet_netem::trace::{Direction, Format, OPPORTUNITY, Options, Segment, TraceReader};

use super::convert::write;
use super::input::bad;
use crate::cmd::shipped;
use crate::exit::{Exit, Failure};
use crate::screen;

/// Length of a trace of a model.
const LENGTH: Span = Span::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A rate that wanders: its logarithm is a first-order autoregressive process.
    Lognormal,
    /// States, each with a rate and if you like a loss and a delay.
    Markov,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The mean of a lognormal rate is that of the whole trace, gaps included; its CV and autocorrelation \
are those of one-second means outside of gaps. Gaps come at random with lognormal lengths. Like an \
LTE modem in a moving car:
  weaknet trace synth --mean 5Mbps --cv 0.6 --autocorrelation 0.85 --gaps-per-minute 6 \
--gap-p50 400ms --gap-p95 1500ms --length 300s drive.txt
What the downlink of a preset does with seed 2:
  weaknet trace synth --scenario wifi-office-bad --link forward --seed 2 office.txt")]
pub(crate) struct Synth {
    /// The file to write; `-` is standard output.
    #[arg(value_name = "OUT", required_unless_present = "out")]
    output: Option<PathBuf>,
    /// The file to write, likewise.
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    out: Option<PathBuf>,
    /// What makes the rate.
    #[arg(long, value_enum, default_value = "lognormal")]
    model: Kind,
    /// Draw the rate of a link of this scenario instead: a file, or a name of `weaknet list
    /// scenarios`. Of a matrix it is the first case; delay and loss are not drawn.
    #[arg(long, conflicts_with_all = ["model", "mean", "cv", "autocorrelation", "states",
        "gaps_per_minute"])]
    scenario: Option<String>,
    /// The link of the scenario; its first one by default.
    #[arg(long, value_name = "NAME", requires = "scenario")]
    link: Option<String>,
    /// How long the trace is; by default 300s, or as long as the scenario.
    #[arg(long, value_name = "TIME", visible_alias = "duration")]
    length: Option<Span>,
    /// The same seed gives the same trace.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The format to write, as for `weaknet trace convert`.
    #[arg(long, value_name = "FORMAT", default_value = "seconds_mbps")]
    to: Format,
    /// Mean rate (lognormal).
    #[arg(
        long,
        value_name = "RATE",
        default_value = "5Mbps",
        allow_hyphen_values = true
    )]
    mean: Bitrate,
    /// Coefficient of variation (lognormal).
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0.6,
        allow_hyphen_values = true
    )]
    cv: f64,
    /// Autocorrelation at one second (lognormal).
    #[arg(
        long,
        value_name = "X",
        default_value_t = 0.85,
        allow_hyphen_values = true
    )]
    autocorrelation: f64,
    /// A state, RATE:TIME[:LOSS[:DELAY]] with its mean time (markov); give two or more.
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<State>,
    /// How often nothing is carried.
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        requires = "gap_p50",
        requires = "gap_p95"
    )]
    gaps_per_minute: Option<f64>,
    /// Median length of a gap.
    #[arg(long, value_name = "TIME", requires = "gaps_per_minute")]
    gap_p50: Option<Span>,
    /// 95th percentile of the length of a gap.
    #[arg(long, value_name = "TIME", requires = "gaps_per_minute")]
    gap_p95: Option<Span>,
}

/// What is drawn, how long it is, and what it is.
struct Drawn {
    segments: Vec<Segment>,
    length: Span,
    title: String,
}

pub(super) fn run(args: &Synth, registry: &Registry) -> Result<(), Failure> {
    let Drawn {
        segments,
        length,
        title,
    } = match &args.scenario {
        Some(scenario) => of_scenario(args, scenario, registry)?,
        None => of_model(args)?,
    };
    let path = args.output.as_ref().or(args.out.as_ref());
    let Some(path) = path else {
        return Err(Failure::new(Exit::Usage, "expected a file to write"));
    };
    let title = format!("{title}, seed {}", args.seed);
    let text = synth::canonical(&segments, length, &title).map_err(|error| bad(path, &error))?;
    if args.to == Format::Canonical {
        write(path, |out| {
            out.write_all(&text).map_err(|error| bad(path, &error))
        })?;
    } else {
        let how = Conversion {
            to: args.to,
            bin: Span::from_millis(100),
            opportunity: OPPORTUNITY.get(),
            direction: Direction::Uplink,
            lossy: false,
            entries: Vec::new(),
        };
        let reader = TraceReader::open(&text[..], &Options::default());
        let reader = reader.map_err(|error| bad(path, &error))?;
        write(path, |out| {
            convert(reader, &how, out)
                .map(drop)
                .map_err(|error| bad(path, &error))
        })?;
    }
    if path.as_os_str() != "-" {
        let name = args.to.name();
        screen::note(&format!("wrote {}: {name}, {}", path.display(), length));
    }
    Ok(())
}

fn of_model(args: &Synth) -> Result<Drawn, Failure> {
    let (model, title) = match args.model {
        Kind::Lognormal if !args.states.is_empty() => {
            return Err(Failure::new(Exit::Usage, "--state needs --model markov"));
        }
        Kind::Lognormal => {
            let model = Lognormal {
                mean: args.mean,
                cv: args.cv,
                autocorrelation: args.autocorrelation,
            };
            let title = format!("mean {}, cv {}", args.mean, args.cv);
            (Model::Lognormal(model), title)
        }
        Kind::Markov if args.states.len() < 2 => {
            return Err(usage("--model markov needs two --state or more"));
        }
        Kind::Markov => {
            let states = args.states.clone();
            let title = format!("{} states", states.len());
            (Model::Markov(Markov { states }), title)
        }
    };
    let gaps = match (args.gaps_per_minute, args.gap_p50, args.gap_p95) {
        (Some(per_minute), Some(p50), Some(p95)) => Some(Gaps {
            per_minute,
            p50,
            p95,
        }),
        _ => None,
    };
    let length = args.length.unwrap_or(LENGTH);
    let segments = synth::generate(&model, gaps.as_ref(), length, args.seed).map_err(usage)?;
    Ok(Drawn {
        segments,
        length,
        title: format!("synthetic, {title}"),
    })
}

/// The rate of a link of a scenario, as a run with this seed meets it.
fn of_scenario(args: &Synth, scenario: &str, registry: &Registry) -> Result<Drawn, Failure> {
    let request = Request {
        paths: vec![shipped::resolve(scenario)?],
        seed: Some(args.seed),
        folders: Folders::from_env(None),
        ..Request::default()
    };
    let plan = Plan::load(&request, registry)?;
    let Some(case) = plan.cases.first() else {
        return Err(Failure::new(
            Exit::NothingSelected,
            "the scenario has no case",
        ));
    };
    let (_, facts) = world::build(&case.scenario, case.seed, &case.assets).map_err(usage)?;
    let named = |link: &&LinkFacts| args.link.as_ref().is_none_or(|name| link.name == *name);
    let Some(link) = facts.links.iter().find(named) else {
        let names: Vec<&str> = facts.links.iter().map(|link| link.name.as_str()).collect();
        let message = format!("--link: expected one of {}", names.join(", "));
        return Err(Failure::new(Exit::Usage, message));
    };
    let length = args.length.unwrap_or(case.scenario.duration);
    let segments = synth::of_link(&link.capacity, length)
        .map_err(|error| Failure::new(Exit::BadData, format!("link {}: {error}", link.name)))?;
    Ok(Drawn {
        segments,
        length,
        title: format!(
            "rate of link {} of scenario {}",
            link.name, case.scenario.name
        ),
    })
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}
