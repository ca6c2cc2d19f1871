//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
#[cfg(target_os = "linux")]
use weaknet_core::Span;

/// What scripts can rely on.
pub(crate) const EXIT_CODES: &str = "0 ok; 1 internal failure; 2 usage, also an unusable --out or \
    a --set that fits no scenario; 4 nothing selected: no file matches, no case has that id; \
    65 bad scenario or data file, also one that is missing; 77 not permitted; 100 expectation \
    failed; 101 regression; 130 interrupted.";

/// Weak-network testbed for real-time media.
#[derive(Debug, Parser)]
#[command(name = "weaknet", version, about, max_term_width = 100)]
#[command(after_help = format!("Exit codes: {EXIT_CODES}"))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every case of scenario files, print the scores, judge expectations.
    Run(Run),
    /// Compare two runs, paired by scenario, parameters and seed.
    Compare(Compare),
    /// Check scenario files without running them.
    Validate(Validate),
    /// List what there is.
    List(List),
    /// Explain a plug-in, a metric, a preset or a scenario.
    Explain(Explain),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Feed a recorded feedback trace to a congestion controller, open loop.
    Replay(Replay),
    /// Describe and convert recorded networks.
    #[command(subcommand)]
    Trace(crate::cmd::trace::Command),
    /// Redo every report of a run from its recorded data.
    Report(Report),
    /// Run real applications behind the link of a scenario or preset.
    #[cfg(target_os = "linux")]
    Live(Live),
    /// Change and watch a running link.
    #[cfg(target_os = "linux")]
    Ctl(Ctl),
    /// Feed the simulator with what came to a live link: it decides the same.
    #[cfg(target_os = "linux")]
    ReplayLink(ReplayLink),
    /// What `live` starts at each end.
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    FirstProcess(FirstProcess),
    /// Prove that shaping works on this machine, and measure how exactly.
    #[cfg(target_os = "linux")]
    Doctor(Doctor),
    /// Measure how fast the engine is on this machine.
    Bench(Bench),
    /// Print a completion script.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
}

/// Where cases come from.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Scenario files, folders or globs.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Run the seeds 1 to N instead of the scenario's own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) seeds: Option<u64>,
    /// Run this seed only.
    #[arg(long, value_name = "S", conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// Change a value, for example `flows.call.fec=none`; `A=x|y` makes a matrix axis.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Run only cases whose id begins with ID.
    #[arg(long, value_name = "ID")]
    pub(crate) case: Option<String>,
    /// A further folder to look for trace files in.
    #[arg(long, value_name = "DIR")]
    pub(crate) trace_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// How many cases to run at a time; as many as there are cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Go on with an interrupted run: skip the cases that the result directory has.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Where to write; default `results/runs/<name>`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Capture packets per link (`pcapng`, for Wireshark), events per flow (`qlog`) or both
    /// (`all`) below `captures/` of the result directory.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) capture: Vec<Captured>,
    /// Keep at most BYTES of each captured packet, from the IP header on.
    #[arg(long, value_name = "BYTES", requires = "capture",
        value_parser = clap::value_parser!(u32).range(28..=65_535))]
    pub(crate) capture_snaplen: Option<u32>,
    /// Sort rows that compete by these metrics, the first one first; those that are
    /// equal as written by the next.
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    pub(crate) rank: Vec<String>,
    /// Print the summary as JSON instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct Live {
    /// A scenario file or a preset; what it says of the network counts.
    #[arg(value_name = "PATH|PRESET")]
    pub(crate) path: Option<String>,
    /// Change a value, for example `network.forward.loss=5%`.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Over named `links:`, take the route of this flow; of the first one by default.
    #[arg(long, value_name = "FLOW", conflicts_with = "flows")]
    pub(crate) route: Option<String>,
    /// The seed of all random draws.
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// A further folder to look for trace files in.
    #[arg(long, value_name = "DIR")]
    pub(crate) trace_dir: Option<PathBuf>,
    /// A shell line to run at the left end, with the other end's address in `WEAKNET_PEER`
    /// and `WEAKNET_PEER6`.
    #[arg(long, value_name = "CMD")]
    pub(crate) left: Option<String>,
    /// A shell line to run at the right end.
    #[arg(long, value_name = "CMD")]
    pub(crate) right: Option<String>,
    /// Sleep until departures instead of spinning shortly before them: spares the processor,
    /// packets leave up to 0.1 ms later.
    #[arg(long)]
    pub(crate) no_spin: bool,
    /// Let the ends hand over single packets, as captures made there shall show them; fast
    /// connections get slower.
    #[arg(long)]
    pub(crate) mtu_exact: bool,
    /// Run the flows of the scenario at the two ends, over real sockets, for its duration, and
    /// score them.
    #[arg(long, requires = "path",
        conflicts_with_all = ["left", "right", "outside", "between", "command", "mtu_exact"])]
    pub(crate) flows: bool,
    #[command(flatten)]
    pub(crate) scoring: LiveScoring,
    /// Keep the results like those of `run`: metrics of the links, series, a report, and the
    /// recording; with --flows those of `run`, by default in `results/runs/<name>-live`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the summary at the end as JSON to standard output; with --flows that of `run`.
    #[arg(long)]
    pub(crate) json: bool,
    /// Record what came to the link, what it decided, and when packets left.
    #[arg(long, value_name = "FILE", conflicts_with = "flows")]
    pub(crate) record_arrivals: Option<PathBuf>,
    /// Capture the packets of each link, as they came and as they left, in pcapng files beside
    /// the recording of --out.
    #[arg(long, value_name = "KIND", value_parser = ["pcapng"], requires = "out",
        conflicts_with = "flows")]
    pub(crate) capture: Option<String>,
    /// Keep no more than so many bytes of a captured packet.
    #[arg(long, value_name = "BYTES", requires = "capture",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) capture_snaplen: Option<u32>,
    /// The devices of the ends: TUN, or pairs of Ethernet devices (veth) and packet sockets,
    /// which need no /dev/net/tun.
    #[arg(long, value_enum, default_value_t = LivePort::Auto, value_name = "KIND")]
    pub(crate) port: LivePort,
    /// Let the right end be the outside network, by passt or slirp4netns.
    #[arg(long, conflicts_with = "right")]
    pub(crate) outside: bool,
    /// Be a wire between two interfaces of this machine until interrupted, instead of running
    /// commands: what comes in at one leaves at the other one. Takes root.
    #[arg(long, num_args = 2, value_names = ["LEFT", "RIGHT"],
        conflicts_with_all = ["left", "right", "outside", "port", "mtu_exact", "flows", "command"])]
    pub(crate) between: Vec<String>,
    /// The command to run at the left end; a shell when there is none.
    #[arg(last = true, value_name = "CMD", conflicts_with_all = ["left", "right"])]
    pub(crate) command: Vec<String>,
}

#[cfg(target_os = "linux")]
impl Live {
    /// How many bytes of packets to capture, if any.
    pub(crate) fn snaplen(&self) -> Option<usize> {
        let most = self
            .capture_snaplen
            .map_or(usize::MAX, |bytes| bytes as usize);
        self.capture.is_some().then_some(most)
    }
}

/// The devices of a live link's ends.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LivePort {
    Auto,
    Tun,
    Veth,
}

/// What goes with `weaknet live --flows`.
#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct LiveScoring {
    /// With --flows: run the seeds 1 to N one after the other instead of a single one.
    #[arg(long, value_name = "N", requires = "flows",
        conflicts_with_all = ["seed", "left", "right", "command"],
        value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(crate) seeds: Option<u64>,
    /// With --flows: simulate the same cases as well and print both score cards side by side.
    #[arg(long, requires = "flows", conflicts_with_all = ["left", "right", "command"])]
    pub(crate) compare: bool,
}

#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct Ctl {
    /// Which link, by the name that `live` says at its start; the only one when absent.
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) link: Option<String>,
    #[command(subcommand)]
    pub(crate) command: CtlCommand,
}

#[cfg(target_os = "linux")]
#[derive(Debug, Subcommand)]
pub(crate) enum CtlCommand {
    /// Change values, for example `network.forward.loss=5%`.
    Set {
        /// What to change.
        #[arg(value_name = "PATH=VALUE", required = true)]
        sets: Vec<String>,
    },
    /// Lose everything in both directions for a time.
    Outage {
        /// How long, for example `2s`.
        #[arg(value_name = "TIME")]
        length: Span,
    },
    /// Hold everything back in both directions for a time.
    Handover {
        /// How long, for example `300ms`.
        #[arg(value_name = "TIME")]
        length: Span,
    },
    /// Show rate, queue, delay, loss and emulation error, once a second; keys change the
    /// link. Plain lines where there is no terminal.
    Watch,
    /// Say how the link was in its last second, as JSON.
    Show,
}

#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct ReplayLink {
    /// What `live --record-arrivals` recorded.
    #[arg(value_name = "RECORDING")]
    pub(crate) recording: PathBuf,
    /// The scenario or preset; that of the recording when absent.
    #[arg(value_name = "PATH|PRESET")]
    pub(crate) path: Option<String>,
    /// A further change of a value.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) sets: Vec<String>,
    /// Another seed than that of the recording.
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// A further folder to look for trace files in.
    #[arg(long, value_name = "DIR")]
    pub(crate) trace_dir: Option<PathBuf>,
    /// Write what was decided, in the form of the recording.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct FirstProcess {
    /// The command to run.
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Some seconds instead of three quarters of a minute, less exact.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print JSON instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What can be captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Captured {
    Pcapng,
    Qlog,
    All,
}

impl Captured {
    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pcapng => "pcapng",
            Self::Qlog => "qlog",
            Self::All => "all",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The run to compare with: a result directory or a summary.json.
    pub(crate) base: PathBuf,
    /// The new run.
    pub(crate) new: PathBuf,
    /// Exit with 101 when this holds, for example `call.freeze_ratio worse by 1%` or `any worse`.
    #[arg(long, value_name = "EXPR")]
    pub(crate) fail_if: Vec<String>,
    /// Print JSON instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Listed {
    #[value(alias = "presets")]
    Scenarios,
    Plugins,
    Metrics,
    Traces,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// What to list; everything by default.
    pub(crate) what: Option<Listed>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// A further folder to look for trace files in.
    #[arg(long, value_name = "DIR")]
    pub(crate) trace_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The name of a plug-in, metric, preset or scenario.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The controller.
    #[arg(long, value_name = "NAME")]
    pub(crate) controller: String,
    /// The recorded packets, a CSV file.
    pub(crate) packets: PathBuf,
    /// Change a parameter of the controller.
    #[arg(long = "set", value_name = "K=V")]
    pub(crate) sets: Vec<String>,
    /// Where to write the decisions; standard output by default.
    #[arg(long, value_name = "UPDATES.csv")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Shorter and fewer runs: some seconds instead of a minute, less exact.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print JSON instead of the tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the tables as Markdown.
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A result directory.
    pub(crate) dir: PathBuf,
    /// Sort rows that compete by these metrics, the first one first; those that are
    /// equal as written by the next.
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    pub(crate) rank: Vec<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
