//! What a storm was, in numbers.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use serde::Serialize;

use crate::{api::Answers, options::StoreKind, strike::Blow};

/// One storm.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its store.
    pub store: StoreKind,
    /// What was left to chance follows from it.
    pub seed: u64,
    /// Clients at work at once.
    pub clients: u32,
    /// Processes killed.
    pub kills: u64,
    /// Blows, by kind.
    pub blows: BTreeMap<Blow, u64>,
    /// Blows that met operations under way, of those before which the store could be asked.
    pub met_work: u64,
    /// Operations under way when a blow fell, added up.
    pub met_operations: u64,
    /// How requests ended.
    pub answers: Answers,
    /// From the end of the load until every operation had ended, each time.
    pub settling: Times,
    /// From the kill of the host that served a backend until another did.
    pub host_recovery: Times,
    /// From the start of a killed database until it took connections.
    pub database_recovery: Times,
    /// Processes that ended although nobody told them to, by how.
    pub ended_by_themselves: BTreeMap<String, u64>,
    /// How often the bytes of a volume were compared while all was at rest.
    pub verified: u64,
    /// Volumes in the end.
    pub volumes: u64,
    /// Of the storm.
    pub seconds: f64,
    /// What was not as it must be.
    pub faults: Vec<String>,
    /// It was told to end early.
    pub interrupted: bool,
}

/// How long something took, each time.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(into = "Summary")]
pub struct Times(Vec<Duration>);

#[derive(Serialize)]
struct Summary {
    count: usize,
    p50_ms: f64,
    max_ms: f64,
}

impl Times {
    /// One more.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    fn summary(&self) -> Summary {
        let mut times = self.0.clone();
        times.sort_unstable();
        let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
        Summary { count: times.len(), p50_ms: ms(times.get(times.len() / 2)), max_ms: ms(times.last()) }
    }
}

impl From<Times> for Summary {
    fn from(times: Times) -> Self {
        times.summary()
    }
}

impl Report {
    /// Whether all was as it must be, and the storm was one.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty() && !self.interrupted
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{:?}, seed {}: {} kills in {:.0} s with {} clients\n",
            self.store, self.seed, self.kills, self.seconds, self.clients
        );
        let blows: Vec<String> = self.blows.iter().map(|(blow, count)| format!("{blow:?} {count}")).collect();
        let Answers { done, refused, overloaded, unavailable, cut, not_sent } = self.answers;
        let lines = [
            ("blows", blows.join(", ")),
            ("met", format!("{} operations under way, in {} blows", self.met_operations, self.met_work)),
            (
                "requests",
                format!(
                    "{done} done, {refused} refused, {overloaded} of 429, {unavailable} of 5xx, {cut} cut off, \
                     {not_sent} found nobody"
                ),
            ),
            ("settling", times(&self.settling)),
            ("host back", times(&self.host_recovery)),
            ("database", times(&self.database_recovery)),
            ("ended alone", format!("{:?}", self.ended_by_themselves)),
            ("bytes", format!("of {} volumes compared at rest; {} volumes in the end", self.verified, self.volumes)),
            ("faults", self.faults.len().to_string()),
        ];
        for (name, value) in lines {
            let _ = writeln!(text, "  {name:<12}{value}");
        }
        for fault in self.faults.iter().take(20) {
            let _ = writeln!(text, "    {fault}");
        }
        text
    }
}

fn times(times: &Times) -> String {
    let Summary { count, p50_ms, max_ms } = times.summary();
    format!("{count} times, p50 {p50_ms:.0} ms, max {max_ms:.0} ms")
}
