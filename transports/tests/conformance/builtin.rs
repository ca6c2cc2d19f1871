//! Every controller of this crate keeps every rule that applies to it. A rule
//! that does not is named here with the reason.

use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, Plugin, Streams};
use weaknet_transports::cc::bbr1::Bbr1;
use weaknet_transports::cc::bbr3::Bbr3;
use weaknet_transports::cc::copa::Copa;
use weaknet_transports::cc::cubic::Cubic;
use weaknet_transports::cc::fixed::Fixed;
use weaknet_transports::cc::gcc::Gcc;
use weaknet_transports::cc::gcc_draft02::GccDraft02;
use weaknet_transports::cc::ledbat::{Ledbat, LedbatPlusPlus};
use weaknet_transports::cc::nada::Nada;
use weaknet_transports::cc::new_reno::NewReno;
use weaknet_transports::cc::oracle::Oracle;
use weaknet_transports::cc::prague::Prague;
use weaknet_transports::cc::scream::Scream;
use weaknet_transports::cc::scream_ericsson::ScreamEricsson;
use weaknet_transports::cc::window::SlowStart;
use weaknet_transports::cc::{CongestionControl, CongestionController};
use weaknet_transports::conformance::{Kit, Rule};

pub(crate) fn build<P: Plugin<Kind = CongestionControl>>(
    config: &P,
) -> Box<dyn CongestionController> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let context = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    config.build(&context).expect("a valid configuration")
}

fn conforms<P: Plugin<Kind = CongestionControl>>(config: &P, exceptions: &[(Rule, &str)]) {
    let mut kit = Kit::new(|| build(config))
        .count_allocations(|act| allocation_counter::measure(act).count_total);
    for (rule, why) in exceptions {
        kit = kit.except(*rule, why);
    }
    let report = kit.run();
    eprintln!("{}\n{report}", P::NAME);
    report.assert();
}

#[test]
fn gcc() {
    conforms(&Gcc::default(), &[]);
}

#[test]
fn gcc_draft02() {
    conforms(&GccDraft02::default(), &[]);
}

#[test]
fn scream() {
    conforms(&Scream::default(), &[]);
}

#[test]
fn scream_ericsson() {
    conforms(&ScreamEricsson::default(), &[]);
}

#[test]
fn nada() {
    conforms(&Nada::default(), &[]);
}

#[test]
fn copa() {
    conforms(&Copa::default(), &[]);
}

#[test]
fn bbr1() {
    conforms(
        &Bbr1::default(),
        &[(
            Rule::FeedbackIntervals,
            "no allowance for aggregated reports: a window of two delay-bandwidth products of \
             the least round trip lasts for 100 of 300 ms, and each measures less than the last \
             (draft-cardwell-iccrg-bbr-congestion-control-00, section 4.2.3.2; Linux and BBRv2 \
             add the extra_acked of draft-ietf-ccwg-bbr, section 5.5.9)",
        )],
    );
}

#[test]
fn bbr3() {
    conforms(&Bbr3::default(), &[]);
}

#[test]
fn cubic() {
    conforms(&Cubic::default(), &[]);
}

#[test]
fn new_reno() {
    conforms(&NewReno::default(), &[]);
}

#[test]
fn prague() {
    conforms(&Prague::default(), &[]);
}

/// Parameters that take another way through the code.
#[test]
fn variants() {
    let standard = NewReno {
        slow_start: SlowStart::Standard,
        ..NewReno::default()
    };
    let mut proportional = standard.clone();
    proportional.window.proportional_rate_reduction = true;
    conforms(&standard, &[]);
    conforms(&proportional, &[]);
    conforms(
        &Cubic {
            slow_start: SlowStart::Standard,
            ..Cubic::default()
        },
        &[],
    );
    conforms(
        &Prague {
            fast_growth: true,
            ..Prague::default()
        },
        &[],
    );
    // Table 2 of RFC 8698.
    conforms(
        &Nada {
            rmin: Some(Bitrate::from_kbps(150)),
            rmax: Some(Bitrate::from_kbps(1_500)),
            ..Nada::default()
        },
        &[],
    );
}

#[test]
fn ledbat() {
    conforms(&Ledbat::default(), &[]);
}

#[test]
fn ledbat_plus_plus() {
    conforms(&LedbatPlusPlus::default(), &[]);
}

#[test]
fn fixed() {
    conforms(
        &Fixed::default(),
        &[(Rule::Overload, "a constant rate, whatever the network does")],
    );
}

#[test]
fn oracle() {
    conforms(
        &Oracle::default(),
        &[(
            Rule::AppLimited,
            "the target is the true capacity, which it is told",
        )],
    );
}
