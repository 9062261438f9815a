//! What is under way now, and what was turned away, for the metrics.

use prometheus_client::{
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::Gauge,
    },
    registry::{Registry, Unit},
};

use super::state::ApiState;

type Label = [(&'static str, &'static str); 1];

/// The figures as they are now.
pub(super) fn registry(api: &ApiState, store_answers: bool) -> Registry {
    let mut registry = Registry::with_prefix("ashlar");
    let connections = api.connections();
    registry.register("connections", "Connections of clients", gauge(connections.count()));
    let ended = counts(connections.ended(), "why");
    registry.register("connections_closed", "Connections that were ended because their client was slow", ended);
    let (in_flight, waiting) = (Family::<Label, Gauge>::default(), Family::<Label, Gauge>::default());
    for (line, gate) in api.admission().lines() {
        in_flight.get_or_create(&[("line", line)]).set(gate.in_flight().into());
        waiting.get_or_create(&[("line", line)]).set(gate.waiting().into());
    }
    registry.register("work_in_flight", "Units of work that are let in", in_flight);
    registry.register("requests_waiting", "Requests that wait for their turn", waiting);
    let refused = counts(api.lacks().counts(), "lack");
    registry.register("requests_refused", "Requests refused for want of something", refused);
    let bodies = gauge(api.bodies().lent());
    registry.register_with_unit("bodies_in_flight", "Memory lent to bodies of requests", Unit::Bytes, bodies);
    let answers = gauge(api.answers().lent());
    registry.register_with_unit("answers_in_flight", "Memory lent to large answers not yet read", Unit::Bytes, answers);
    let wakeups = ConstCounter::new(api.intake().wakeups());
    registry.register("wakeups", "Times that a host woke this process", wakeups);
    registry.register("store_up", "Whether the store answers", gauge(store_answers.into()));
    let (transactions, commits) = api.store().commit_counts();
    let store = |count| {
        let counter: Counter = Counter::default();
        counter.inc_by(count);
        counter
    };
    registry.register("store_transactions", "Transactions that changed the store", store(transactions));
    registry.register("store_commits", "Durable writes that these took together", store(commits));
    let writers = gauge(api.store().writers_waiting());
    registry.register("store_writers_waiting", "Transactions that wait for their turn to write", writers);
    registry
}

fn gauge(value: usize) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}

fn counts(values: impl Iterator<Item = (&'static str, u64)>, label: &'static str) -> Family<Label, Counter> {
    let counts = Family::<Label, Counter>::default();
    for (name, value) in values {
        counts.get_or_create(&[(label, name)]).inc_by(value);
    }
    counts
}
