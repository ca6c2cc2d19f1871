//! Keys of a flow that are no plug-ins.

use weaknet_transports::bulk::BulkConfig;
use weaknet_transports::messages::MessagesConfig;
use weaknet_transports::rtp::FeedbackConfig;
use weaknet_transports::session::SessionConfig;

use super::plugin::structure;

const BULK: &str = "A reliable byte stream instead of media: a download, or short flows with idle \
times between them. It runs any congestion controller, `cubic` by default.";
const BULK_EXAMPLE: &str = "\
flows:
  - name: download
    bulk: {}
    congestion_control: cubic
  - name: pages
    bulk: {size: 30kB, max_size: 50kB, idle: 10s}
    congestion_control: new_reno
";
const MESSAGES: &str = "Messages instead of media: room commands, mouse and game inputs, remote \
control. A profile says size, rate, deadline and reliability; everything can be replaced. They run \
without congestion control unless the flow names a controller.";
const MESSAGES_EXAMPLE: &str = "\
flows:
  - name: mouse
    messages: {profile: mouse}
  - name: wheel
    messages: {profile: remote_control, every: 10ms, copies: 3, spacing: 10ms}
  - name: room
    messages: {profile: room_commands, reliability: {max_lifetime: 5s}}
    congestion_control: new_reno
";
const FEEDBACK: &str = "What the receiver of a call reports to its congestion controller: a format, \
or format and interval.";
const FEEDBACK_EXAMPLE: &str = "\
flows:
  - name: call
    media: {video: {}, audio: {}}
    congestion_control: cubic
    feedback: ack
    rtp_overhead: quic
  - name: legacy
    media: {audio: {}}
    feedback: {format: rr, every: 1s}
";

const SESSION: &str = "How a call is set up and kept up: what becomes of it when the other end is not \
heard of any more, and what it uses where UDP is blocked. See docs/session.md.";
const SESSION_EXAMPLE: &str = "\
flows:
  - name: office
    media: {video: {}, audio: {}}
    session: {fallback: turn_tls}
  - name: train
    media: {video: {pause: [{from: 10s, to: 20s}]}, audio: {}}
    session: {on_outage: restart_ice}
";

/// What such a key means.
pub(super) fn text(name: &str) -> Option<String> {
    match name {
        "bulk" => Some(structure::<BulkConfig>(name, BULK, None, BULK_EXAMPLE)),
        "messages" => Some(structure::<MessagesConfig>(
            name,
            MESSAGES,
            None,
            MESSAGES_EXAMPLE,
        )),
        "feedback" => {
            let keys = Some(&["format", "every"][..]);
            Some(structure::<FeedbackConfig>(
                name,
                FEEDBACK,
                keys,
                FEEDBACK_EXAMPLE,
            ))
        }
        "session" => Some(structure::<SessionConfig>(
            name,
            SESSION,
            None,
            SESSION_EXAMPLE,
        )),
        _ => None,
    }
}
