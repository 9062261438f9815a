//! Hours of load, through which memory must stay flat.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::memory::Memory;
use crate::{
    bench::{
        aims::{GROWTH, MEMORY},
        client::connection::Connection,
        figures::{Figure, Unit},
        load::{create, delete},
        run::Stage,
        subject::Subject,
    },
    stop::Stop,
};

const CLIENTS: usize = 16;
const INTERVAL: Duration = Duration::from_secs(10);
/// Volumes made, read, listed and removed again, before the next so many.
const BATCH: usize = 200;
/// How often each of them is read.
const READS: usize = 10;
/// What is allocated once and kept is no growth.
const WARM_UP: f64 = 1.0;

/// One look.
#[derive(Clone, Copy, Debug)]
struct Sample {
    minutes: f64,
    memory: Memory,
}

/// Loads the service for that long and says how its memory went: the line that fits it best, the first minute left out.
///
/// # Errors
/// The service fails under the load.
pub fn measure(stage: &mut Stage<'_>, subject: &Subject<'_>, length: Duration) -> Result<()> {
    let samples = std::thread::scope(|scope| {
        // Asked by whoever ends first, so that neither goes on alone.
        let over = Stop::default();
        let told = over.clone();
        let load = scope.spawn(move || {
            let loaded = load(subject, &told);
            told.ask();
            loaded
        });
        let samples = watch(stage, subject, length, &over);
        over.ask();
        load.join().map_err(|_| anyhow!("the load failed"))??;
        samples
    })?;
    let most = samples.iter().map(|sample| sample.memory.resident).max().context("nothing was seen")?;
    let minutes = length.as_secs() / 60;
    let name = format!("API and host through {minutes} min of load, at most, RSS");
    stage.figures.push(Figure::size(name, most).toward(MEMORY));
    for (what, take) in
        [("RSS", (|memory| memory.resident) as fn(Memory) -> u64), ("PSS", |memory| memory.proportional)]
    {
        let points = samples.iter().filter(|sample| sample.minutes >= WARM_UP);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let points: Vec<_> = points.map(|sample| (sample.minutes, take(sample.memory) as f64 / 1024.0)).collect();
        if let Some(slope) = slope(&points) {
            let name = format!("growth through {minutes} min of load, {what}, {} samples", points.len());
            stage.figures.push(Figure::new(name, slope, Unit::KibibytesPerMinute).toward(GROWTH));
        }
    }
    Ok(())
}

fn watch(stage: &Stage<'_>, subject: &Subject<'_>, length: Duration, over: &Stop) -> Result<Vec<Sample>> {
    let (processes, started) = (subject.processes()?, Instant::now());
    let mut samples = Vec::new();
    while started.elapsed() < length && !over.asked() && !stage.run.stop.asked() {
        let (minutes, memory) = (started.elapsed().as_secs_f64() / 60.0, Memory::of(&processes)?);
        stage.say(&format!("soaking: {minutes:.1} min, RSS {:.1} MiB", mebibytes(memory.resident)));
        samples.push(Sample { minutes, memory });
        let next = started.elapsed() + INTERVAL;
        while started.elapsed() < next.min(length) && !over.asked() && !stage.run.stop.asked() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    anyhow::ensure!(!stage.run.stop.asked(), "interrupted");
    Ok(samples)
}

/// Volumes come and go until told to stop.
fn load(subject: &Subject<'_>, stop: &Stop) -> Result<()> {
    let go_on = Stop::default();
    let mut connection = Connection::open(subject.requests.address())?;
    let page = subject.requests.get("volumes/detail?limit=1000");
    while !stop.asked() {
        let made = create(subject.requests, BATCH, CLIENTS, &go_on)?;
        for id in &made.ids {
            let one = subject.requests.get(&format!("volumes/{id}"));
            for _ in 0..READS {
                connection.ask(&one)?.wanted(200, "GET one volume")?;
            }
        }
        connection.ask(&page)?.wanted(200, "GET volumes/detail")?;
        delete(subject.requests, &made.ids, CLIENTS, &go_on)?;
    }
    Ok(())
}

fn mebibytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
    let bytes = bytes as f64;
    bytes / f64::from(1_u32 << 20)
}

/// How much the line rises that is nearest to all points, by least squares; `None` where there is no such line.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = points.len() as f64;
    let mean = |take: fn(&(f64, f64)) -> f64| points.iter().map(take).sum::<f64>() / count;
    let (middle, height) = (mean(|point| point.0), mean(|point| point.1));
    let together: f64 = points.iter().map(|(x, y)| (x - middle) * (y - height)).sum();
    let spread: f64 = points.iter().map(|(x, _)| (x - middle).powi(2)).sum();
    (points.len() > 1 && spread > 0.0).then(|| together / spread)
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn the_slope_of_a_line_is_its_own() {
        let line: Vec<_> = (0..60).map(|x| (f64::from(x), 7.0 - 0.5 * f64::from(x))).collect();
        assert!((slope(&line).unwrap() + 0.5).abs() < 1e-9);
        assert_eq!(slope(&line[..1]), None);
        assert_eq!(slope(&[]), None);
    }

    #[test]
    fn what_only_sways_does_not_rise() {
        let swaying: Vec<_> = (0..100).map(|x| (f64::from(x), f64::from(x % 2))).collect();
        assert!(slope(&swaying).unwrap().abs() < 0.01);
    }
}
