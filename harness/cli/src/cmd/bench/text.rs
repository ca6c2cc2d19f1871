//! The figures for people: a table on the screen, or Markdown for a page.

use super::figures::{Bulk, Call, Cost, Figures, LinkPart, Media};
use super::machine::Machine;
use crate::screen;

/// Most columns of a line on the screen.
const WIDTH: usize = 96;

/// Rows of cells below their headings.
struct Table {
    title: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

pub(super) fn plain(figures: &Figures) -> String {
    let mut text = lines(&machine(&figures.machine));
    for table in tables(figures, false) {
        text.push_str(&format!("\n{}\n", table.title));
        let width = |column: usize| {
            let cells = table.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(table.head[column].len())
        };
        let widths: Vec<usize> = (0..table.head.len()).map(width).collect();
        let head = table.head.iter().map(ToString::to_string).collect();
        for row in std::iter::once(&head).chain(&table.rows) {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            text.push_str(&format!(
                "  {}\n",
                cells.collect::<Vec<_>>().join("  ").trim_end()
            ));
        }
    }
    for part in &figures.links {
        if let Err(reason) = &part.result {
            let (kind, name) = (part.kind, part.name);
            text.push_str(&lines(&format!("{kind} {name} not measured: {reason}")));
        }
    }
    let explain = "Each part is configured as in the example of `weaknet explain NAME`.";
    format!("{text}\n{}{}", lines(explain), lines(&notes(figures)))
}

fn lines(text: &str) -> String {
    screen::wrap(text, WIDTH).join("\n") + "\n"
}

pub(super) fn markdown(figures: &Figures) -> String {
    let mut text = format!("{}\n", machine(&figures.machine));
    for Table { title, head, rows } in tables(figures, true) {
        text.push_str(&format!("\n{title}\n\n| {} |\n", head.join(" | ")));
        text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
        for row in rows {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
        }
    }
    text.push_str(&format!("\n{}\n", notes(figures)));
    text
}

fn machine(machine: &Machine) -> String {
    let or = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
    format!(
        "weaknet {}{} on {}, {} cores, load {}",
        machine.version,
        if machine.optimised {
            ""
        } else {
            " (built without optimisation)"
        },
        or(machine.processor.clone()),
        or(machine.cores.map(|cores| cores.to_string())),
        or(machine.load.map(|load| load.to_string())),
    )
}

fn notes(figures: &Figures) -> String {
    let [short, long] = figures.seconds;
    let peak = figures
        .peak_mib
        .map(|mib| format!(" Most memory of the process: {mib:.1} MiB."))
        .unwrap_or_default();
    format!(
        "CPU time of one thread, least of {} runs. Cost: the slope between {short} s and {long} s \
         (call600: the whole run); growth: that slope over the cost in the first {short} s. Event: \
         a turn of a link, a packet that reaches a node, or a wake of a node.{peak}",
        figures.runs
    )
}

const PACKET: &str = "ns/packet";
const EVENT: &str = "ns/event";
const EVENTS: &str = "events/packet";

fn cells(cost: &Cost) -> [String; 3] {
    [
        format!("{:.0}", cost.ns_per_packet),
        format!("{:.0}", cost.ns_per_event),
        format!("{:.2}", cost.events_per_packet),
    ]
}

/// The tables; the last one with the configuration of each part if wanted.
fn tables(figures: &Figures, configuration: bool) -> Vec<Table> {
    let seconds = figures.seconds[1];
    let mut links = vec![row("plain".to_owned(), cells(&figures.plain_link))];
    links[0].extend([String::new(), String::new()]);
    links.extend(figures.links.iter().map(link));
    let mut head = vec!["part", PACKET, EVENT, EVENTS, "+ns/packet", "+ns/event"];
    if configuration {
        head.push("configuration");
        let configs = figures.links.iter().map(config);
        let configs = std::iter::once(String::new()).chain(configs);
        links
            .iter_mut()
            .zip(configs)
            .for_each(|(row, config)| row.push(config));
    }
    vec![
        Table {
            title: format!("Workload T: bulk flows over 100 Mbit/s and 20 ms, {seconds} s"),
            head: vec![
                "flows",
                "packets",
                "CPU s",
                PACKET,
                EVENT,
                EVENTS,
                "M per CPU s",
                "growth",
            ],
            rows: figures.bulk.iter().map(bulk).collect(),
        },
        Table {
            title: format!("Workload M: 2.5 Mbit/s of video packets over 3 Mbit/s, {seconds} s"),
            head: vec![
                "",
                "packets",
                "CPU s",
                PACKET,
                EVENT,
                EVENTS,
                "M per CPU s",
                "x real time",
            ],
            rows: std::iter::once(media(&figures.media))
                .chain(figures.call.as_ref().map(call))
                .collect(),
        },
        Table {
            title: "One link of 3 Mbit/s and 20 ms, one part exchanged (+: more than plain)"
                .to_owned(),
            head,
            rows: links,
        },
    ]
}

fn row<const N: usize>(name: String, cells: [String; N]) -> Vec<String> {
    std::iter::once(name).chain(cells).collect()
}

fn bulk(bulk: &Bulk) -> Vec<String> {
    let [packet, event, events] = cells(&bulk.cost);
    row(
        bulk.flows.to_string(),
        [
            bulk.packets.to_string(),
            format!("{:.3}", bulk.cpu_s),
            packet,
            event,
            events,
            millions(1e9 / bulk.cost.ns_per_packet),
            format!("{:.2}", bulk.growth),
        ],
    )
}

fn media(media: &Media) -> Vec<String> {
    let name = "workload M".to_owned();
    real_time(
        name,
        media.packets,
        media.cpu_s,
        &media.cost,
        media.times_real_time,
    )
}

fn call(call: &Call) -> Vec<String> {
    let name = format!("call600, {} s", call.seconds);
    real_time(
        name,
        call.packets,
        call.cpu_s,
        &call.cost,
        call.times_real_time,
    )
}

fn real_time(name: String, packets: u64, cpu_s: f64, cost: &Cost, times: f64) -> Vec<String> {
    let [packet, event, events] = cells(cost);
    row(
        name,
        [
            packets.to_string(),
            format!("{cpu_s:.4}"),
            packet,
            event,
            events,
            millions(1e9 / cost.ns_per_packet),
            format!("{times:.0}"),
        ],
    )
}

fn link(part: &LinkPart) -> Vec<String> {
    let name = format!("{} {}", part.kind, part.name);
    let Ok(found) = &part.result else {
        return row(name, std::array::from_fn::<_, 5, _>(|_| "-".to_owned()));
    };
    let [packet, event, events] = cells(&found.cost);
    row(
        name,
        [
            packet,
            event,
            events,
            difference(found.extra_ns_per_packet),
            difference(found.extra_ns_per_event),
        ],
    )
}

/// How a part was configured, for Markdown.
fn config(part: &LinkPart) -> String {
    match &part.result {
        Ok(_) => format!("`{}`", part.config),
        Err(reason) => format!("not measured: {reason}"),
    }
}

/// With its sign; never "-0".
fn difference(ns: f64) -> String {
    format!("{:+.0}", ns.round() + 0.0)
}

fn millions(rate: f64) -> String {
    format!("{:.2}", rate / 1e6)
}

#[cfg(test)]
mod tests {
    use super::super::figures::LinkCost;
    use super::*;

    fn figures() -> Figures {
        let cost = Cost {
            ns_per_packet: 12_345.0,
            ns_per_event: 1_234.0,
            events_per_packet: 10.5,
        };
        let part = |name, result| LinkPart {
            kind: "loss",
            name,
            config: format!("{{\"burst\":\"{}\"}}", "x".repeat(200)),
            result,
        };
        let dearer = LinkCost {
            cost,
            extra_ns_per_packet: 11_111.0,
            extra_ns_per_event: -0.4,
        };
        Figures {
            machine: Machine {
                processor: Some("A processor with a name of ordinary length, 48 cores".to_owned()),
                cores: Some(2),
                load: Some(1.25),
                version: "0.1.0",
                optimised: false,
            },
            seconds: [60, 600],
            runs: 5,
            bulk: vec![Bulk {
                flows: 64,
                packets: 5_000_000,
                events: 20_000_000,
                cpu_s: 10.123,
                cost,
                growth: 1.0,
            }],
            media: Media {
                packets: 162_000,
                events: 400_000,
                cpu_s: 0.0123,
                cost,
                times_real_time: 48_000.0,
            },
            call: Some(Call {
                seconds: 600.0,
                packets: 209_000,
                events: 1_000_000,
                cpu_s: 0.21,
                cost,
                times_real_time: 2_857.0,
            }),
            plain_link: cost,
            links: vec![
                part("single_rate_three_colours", Ok(dearer)),
                part("trace", Err("no file".to_owned())),
            ],
            peak_mib: Some(8.0),
        }
    }

    #[test]
    fn the_screen_needs_no_more_than_its_columns() {
        let text = plain(&figures());
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(WIDTH), "{widest:?}\n{text}");
        assert!(text.contains("loss trace not measured: no file"), "{text}");
    }

    #[test]
    fn every_row_of_markdown_has_the_cells_of_its_head() {
        let text = markdown(&figures());
        let head = "| part | ns/packet | ns/event | events/packet | +ns/packet | +ns/event | configuration |";
        assert!(text.contains(head), "{text}");
        assert!(text.contains("| +11111 | +0 |"), "{text}");
        for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
            let columns: Vec<usize> = table.lines().map(|row| row.matches('|').count()).collect();
            assert!(columns.iter().all(|n| *n == columns[0]), "{table}");
        }
    }
}
