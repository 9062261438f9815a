//! How long a placement takes: `cargo run --release -p ashlar-common --example place [POOLS] [--json]`.
//!
//! One line a case: pools, what is measured, milliseconds of the fastest and of the median of many runs. `cargo xtask
//! bench` reads it. The pools are those of a large site: some down, stale, full or elsewhere, the rest alike.

use std::{
    hint::black_box,
    io::{self, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use ashlar_common::{
    driver::{Capabilities, DriverInfo},
    scheduler::{Affinity, Filter, Placement, Policy, PoolView, Query, Request, Weigher, Weighing, place},
    stats::{Capacity, PoolStats, Provisioning},
    units::{ByteCount, GIB},
};

const RUNS: usize = 51;
const FRESH: Duration = Duration::from_secs(60);

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (json, count): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word == "--json");
    let count = count.first().map_or(Ok(10_000), |count| count.parse())?;
    // Shared, as the request side shares what it parsed.
    let takes = Arc::new("volume.size < 500 and capabilities.total_volumes < 1000".parse());
    let gladly = Arc::new("(volume.size < 25) ? 100 : max(0, 75 - stats.reserved_percentage)".parse());
    let pools = (0..count)
        .map(|number| {
            let (takes, gladly) = (Some(Arc::clone(&takes)), Some(Arc::clone(&gladly)));
            Ok(PoolView { filter_function: takes, goodness_function: gladly, ..pool(number)? })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let request = request()?;
    let mut out = io::stdout();
    let json = !json.is_empty();
    if !json {
        writeln!(out, "pools   fastest ms  median ms  what")?;
    }
    let mut line = |what: &str, request: &Request, policy: &Policy| -> io::Result<()> {
        let (fastest, median) = measure(&pools, request, policy);
        match json {
            true => writeln!(out, "{}", serde_json::json!({ "pools": count, "what": what, "p50_ms": median })),
            false => writeln!(out, "{count:<7} {fastest:>10.3} {median:>10.3}  {what}"),
        }
    };

    line(
        "Cinder's default filters and weigher",
        &request,
        &Policy::new(FRESH, &Filter::DEFAULT, weighers(&[Weigher::Capacity])),
    )?;
    line("every filter and weigher", &request, &Policy::new(FRESH, &FILTERS, weighers(&WEIGHERS)))?;
    line("no filter but those that always apply, no weigher", &request, &Policy::new(FRESH, &[], Vec::new()))?;
    for filter in FILTERS {
        line(&format!("{} alone", filter.name()), &request, &Policy::new(FRESH, &[filter], Vec::new()))?;
    }
    for weigher in WEIGHERS {
        line(&format!("{weigher} alone"), &request, &Policy::new(FRESH, &[], weighers(&[weigher])))?;
    }
    let too_large = Request { size: ByteCount::MAX, ..request };
    line("no pool fits, and the reasons are made", &too_large, &Policy::new(FRESH, &Filter::DEFAULT, Vec::new()))?;
    Ok(())
}

const FILTERS: [Filter; 9] = [
    Filter::AvailabilityZone,
    Filter::IgnoreAttemptedHosts,
    Filter::SameBackend,
    Filter::DifferentBackend,
    Filter::InstanceLocality,
    Filter::Capacity,
    Filter::Capabilities,
    Filter::Driver,
    Filter::Json,
];

const WEIGHERS: [Weigher; 5] =
    [Weigher::Capacity, Weigher::AllocatedCapacity, Weigher::VolumeNumber, Weigher::Goodness, Weigher::Chance];

fn weighers(weighers: &[Weigher]) -> Vec<Weighing> {
    weighers.iter().map(|weigher| Weighing { weigher: *weigher, multiplier: 1.0 }).collect()
}

/// Milliseconds: the least and the median.
fn measure(pools: &[PoolView], request: &Request, policy: &Policy) -> (f64, f64) {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            let _ = black_box(place(black_box(pools), black_box(request), black_box(policy)));
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[0], times[RUNS / 2])
}

fn request() -> Result<Request, Failure> {
    let spec = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let elsewhere = Placement { backend: "backend-3".parse()?, pool: "pool-1".parse()? };
    Ok(Request {
        id: "req-6b7a1f3c".to_owned(),
        size: ByteCount::from_gib(10)?,
        availability_zone: Some("nova".to_owned()),
        extra_specs: [
            spec("volume_backend_name", "<or> gold tier <or> silver tier"),
            spec("thin_provisioning_support", "<is> True"),
            spec("free_capacity_gb", ">= 5"),
            spec("storage_protocol", "<in> scsi"),
        ]
        .into(),
        affinity: Affinity {
            same: None,
            different: Some(vec![elsewhere.clone()]),
            machines: Some(vec!["node-1".to_owned()]),
            query: Some(Query::read(r#"["and", [">=", "$free_capacity_gb", 10], ["=", "$multiattach", true]]"#)?),
        },
        attempted: vec![elsewhere],
        ..Request::default()
    })
}

fn pool(number: u64) -> Result<PoolView, Failure> {
    let used = number * 7919 % 900;
    Ok(PoolView {
        id: format!("ashlar@backend-{}#pool-{number}", number / 100),
        backend: format!("backend-{}", number / 100).parse()?,
        stats: PoolStats {
            name: format!("pool-{number}").parse()?,
            total: Capacity::Known(ByteCount::from_gib(1000)?),
            free: Capacity::Known(ByteCount::new((1000 - used) * GIB + number)?),
            allocated: Capacity::Known(ByteCount::from_gib(used)?),
            reserved_percentage: 5,
            max_over_subscription_ratio: 20.0,
            provisioning: Provisioning::Thin,
            thin_metadata_free_percentage: Some(60),
            filter_function: None,
            goodness_function: None,
        },
        volume_backend_name: "Gold Tier".to_owned(),
        driver: DriverInfo {
            name: "lvm".to_owned(),
            version: "1.2.0".to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "iSCSI".to_owned(),
        },
        capabilities: Capabilities { multi_attach: true, ..Capabilities::default() },
        machine: "node-1".to_owned(),
        filter_function: None,
        goodness_function: None,
        availability_zone: if number.is_multiple_of(50) { "moon" } else { "nova" }.to_owned(),
        up: !number.is_multiple_of(97),
        age: Duration::from_secs(if number.is_multiple_of(89) { 3600 } else { 3 }),
        provisioned: ByteCount::from_gib(used * 3)?,
        volumes: used,
        promised: ByteCount::ZERO,
    })
}
