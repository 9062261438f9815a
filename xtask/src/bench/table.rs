//! The report as a part of a Markdown document.

use std::fmt::Write;

use super::figures::{Figure, Profile, Report, Unit};

/// The machine, then a table for each store.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let profile = match report.profile {
        Profile::Release => "Optimised programs.",
        Profile::Dev => "Programs as the tests have them, hardly optimised.",
        Profile::Given => "Programs as they were given.",
    };
    let mut out = format!("{}\n{profile}\n", report.machine);
    section(&mut out, "The machine alone", &report.machine_figures);
    for store in &report.stores {
        section(&mut out, store.store.name(), &store.figures);
    }
    out
}

fn section(out: &mut String, title: &str, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    out.push_str(&format!("\n### {title}\n\n| what | measured | aim | Cinder | floor | ratio |\n"));
    out.push_str("|---|---:|---:|---:|---|---:|\n");
    for figure in figures {
        let value = |value| shown(value, figure.unit);
        let cinder = figure.goal.cinder.map(value).unwrap_or_default();
        let (floor, ratio) = figure.floor.as_ref().map_or_else(Default::default, |floor| {
            (format!("{}: {}", floor.name, value(floor.value)), format!("{:.2}", figure.value / floor.value))
        });
        let (name, measured, aim) = (&figure.name, value(figure.value), aim(figure));
        let _ = writeln!(out, "| {name} | {measured} | {aim} | {cinder} | {floor} | {ratio} |");
    }
}

fn aim(figure: &Figure) -> String {
    let Some(aim) = figure.goal.aim else { return String::new() };
    let sign = if figure.unit == Unit::PerSecond { '>' } else { '<' };
    let missed = if figure.met == Some(false) { " **missed**" } else { "" };
    format!("{sign} {}{missed}", shown(aim, figure.unit))
}

/// With its unit, and as many decimals as say something.
#[must_use]
pub fn shown(value: f64, unit: Unit) -> String {
    let unit = match unit {
        Unit::Milliseconds => "ms",
        Unit::Seconds => "s",
        Unit::PerSecond => "/s",
        Unit::Megabytes => "MB",
        Unit::KibibytesPerMinute => "KiB/min",
    };
    let decimals = match value.abs() {
        size if size < 1.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{} {unit}", thousands(&format!("{value:.decimals$}")))
}

/// `10000` as `10,000`.
fn thousands(number: &str) -> String {
    let digits = number.find('.').unwrap_or(number.len());
    let mut out = String::with_capacity(number.len() + 2);
    for (at, digit) in number.char_indices() {
        let left = digits.saturating_sub(at);
        if left > 0 && left % 3 == 0 && out.ends_with(|last: char| last.is_ascii_digit()) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Unit, markdown, shown};
    use crate::bench::{
        aims::{CREATE, CREATES_64},
        figures::{Figure, Profile, Report, StoreFigures},
        machine::Machine,
        store::Engine,
    };

    #[test]
    fn a_figure_stands_beside_what_it_is_held_against() {
        let report = Report {
            machine: Machine {
                processor: "Abacus 9".to_owned(),
                cores: 2,
                memory: 8 << 30,
                file_system: "ext4".to_owned(),
                kernel: "6.1".to_owned(),
                load: 0.25,
            },
            profile: Profile::Release,
            machine_figures: vec![Figure::rate("syncs", 2345.6)],
            stores: vec![StoreFigures {
                store: Engine::Sqlite,
                figures: vec![
                    Figure::time("create", Duration::from_micros(6540))
                        .toward(CREATE)
                        .over("sync", Duration::from_millis(3)),
                    Figure::rate("creates", 125.0).toward(CREATES_64),
                    Figure::size("`ashlar`", 4_500_000),
                ],
            }],
        };
        insta::assert_snapshot!(markdown(&report), @r"
        Measured on Abacus 9, 2 cores, 8 GiB of memory, ext4, Linux 6.1; load before 0.2.
        Optimised programs.

        ### The machine alone

        | what | measured | aim | Cinder | floor | ratio |
        |---|---:|---:|---:|---|---:|
        | syncs | 2,346 /s |  |  |  |  |

        ### SQLite

        | what | measured | aim | Cinder | floor | ratio |
        |---|---:|---:|---:|---|---:|
        | create | 6.5 ms | < 15.0 ms | 354 ms | sync: 3.0 ms | 2.18 |
        | creates | 125 /s | > 500 /s **missed** | 5.6 /s |  |  |
        | `ashlar` | 4.5 MB |  |  |  |  |
        ");
    }

    #[test]
    fn thousands_are_parted() {
        let rate = |value| shown(value, Unit::PerSecond);
        assert_eq!(rate(1_234_567.0), "1,234,567 /s");
        assert_eq!((rate(999.0), rate(1000.0)), ("999 /s".to_owned(), "1,000 /s".to_owned()));
        assert_eq!(shown(-1234.5, Unit::KibibytesPerMinute), "-1,234 KiB/min");
        assert_eq!(shown(-0.25, Unit::KibibytesPerMinute), "-0.25 KiB/min");
    }
}
