//! The figures for people: a table on the screen, or Markdown for a page.

use super::machine::Machine;
use super::{Figures, LinkPart};

/// Rows of cells below their headings.
struct Table {
    title: String,
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

pub(super) fn plain(figures: &Figures) -> String {
    let mut text = format!("{}\n", machine(&figures.machine));
    for table in tables(figures) {
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
    text.push_str(&format!("\n{}\n", notes(figures)));
    text
}

pub(super) fn markdown(figures: &Figures) -> String {
    let mut text = format!("{}\n", machine(&figures.machine));
    for Table { title, head, rows } in tables(figures) {
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
        "CPU time of one thread, least of {} runs. Cost per packet: the slope between {short} s and \
         {long} s; growth: that slope over the cost in the first {short} s.{peak}",
        figures.runs
    )
}

fn tables(figures: &Figures) -> Vec<Table> {
    let seconds = figures.seconds[1];
    let mut media = vec![vec![
        "workload M".to_owned(),
        figures.media.packets.to_string(),
        format!("{:.4}", figures.media.cpu_s),
        format!("{:.0}", figures.media.ns_per_packet),
        millions(figures.media.packets_per_cpu_s),
        format!("{:.0}", figures.media.times_real_time),
    ]];
    media.extend(figures.call.as_ref().map(|call| {
        vec![
            format!("call600, {} s in full", call.seconds),
            String::new(),
            format!("{:.4}", call.cpu_s),
            String::new(),
            String::new(),
            format!("{:.0}", call.times_real_time),
        ]
    }));
    let bulk = figures.bulk.iter().map(|bulk| {
        vec![
            bulk.flows.to_string(),
            bulk.packets.to_string(),
            format!("{:.3}", bulk.cpu_s),
            format!("{:.0}", bulk.ns_per_packet),
            millions(bulk.packets_per_cpu_s),
            format!("{:.2}", bulk.growth),
        ]
    });
    let mut links = vec![vec![
        "plain".to_owned(),
        format!("{:.0}", figures.plain_link_ns),
        String::new(),
        String::new(),
    ]];
    links.extend(figures.links.iter().map(link));
    vec![
        Table {
            title: format!("Workload T: bulk flows over 100 Mbit/s and 20 ms, {seconds} s"),
            head: &[
                "flows",
                "packets",
                "CPU s",
                "ns per packet",
                "M packets per CPU s",
                "growth",
            ],
            rows: bulk.collect(),
        },
        Table {
            title: format!("Workload M: 2.5 Mbit/s of video packets over 3 Mbit/s, {seconds} s"),
            head: &[
                "",
                "packets",
                "CPU s",
                "ns per packet",
                "M packets per CPU s",
                "times real time",
            ],
            rows: media,
        },
        Table {
            title: "One link of 3 Mbit/s and 20 ms with one part exchanged".to_owned(),
            head: &["part", "ns per packet", "more than plain", "configuration"],
            rows: links,
        },
    ]
}

fn link(part: &LinkPart) -> Vec<String> {
    let name = format!("{} {}", part.kind, part.name);
    match &part.result {
        Ok(cost) => vec![
            name,
            format!("{:.0}", cost.ns_per_packet),
            format!("{:+.0}", cost.extra_ns),
            part.config.clone(),
        ],
        Err(reason) => vec![
            name,
            String::new(),
            String::new(),
            format!("not measured: {reason}"),
        ],
    }
}

fn millions(rate: f64) -> String {
    format!("{:.2}", rate / 1e6)
}
