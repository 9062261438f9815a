//! What the service and its host take, and whether it stays so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};

use super::soak;
use crate::bench::{aims::MEMORY, figures::Figure, run::Stage, subject::Subject};

const INTERVAL: Duration = Duration::from_millis(250);

/// Bytes of the API and of its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident pages of both, those they share counted for each.
    pub resident: u64,
    /// Pages they share counted once.
    pub proportional: u64,
}

impl Memory {
    /// Of these processes now.
    ///
    /// # Errors
    /// One is gone.
    pub fn of(processes: &[u32]) -> Result<Self> {
        let mut sum = Self::default();
        for pid in processes {
            let path = format!("/proc/{pid}/smaps_rollup");
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
            let line = |name| line(&text, name).with_context(|| format!("{path} has no {name}"));
            sum.resident += line("Rss")?;
            sum.proportional += line("Pss")?;
        }
        Ok(sum)
    }

    /// Both, and the aim is that of resident pages.
    #[must_use]
    pub fn figures(self, when: &str) -> [Figure; 2] {
        [
            Figure::size(format!("API and host {when}, RSS"), self.resident).toward(MEMORY),
            Figure::size(format!("API and host {when}, PSS"), self.proportional),
        ]
    }

    fn most(self, other: Self) -> Self {
        Self { resident: self.resident.max(other.resident), proportional: self.proportional.max(other.proportional) }
    }
}

/// The bytes of a line `Pss:   1234 kB`.
fn line(text: &str, name: &str) -> Option<u64> {
    let kib = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().strip_suffix(" kB"))?;
    kib.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Looks at memory while something else goes on.
#[derive(Debug)]
pub struct Watch {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Result<Memory>>,
}

impl Watch {
    /// Begins to look at the processes of a service.
    ///
    /// # Errors
    /// It is not running.
    pub fn over(subject: &Subject<'_>) -> Result<Self> {
        let (processes, ended) = (subject.processes()?, Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let mut most = Memory::of(&processes)?;
            while !told.load(Ordering::Relaxed) {
                std::thread::park_timeout(INTERVAL);
                most = most.most(Memory::of(&processes)?);
            }
            Ok(most)
        });
        Ok(Self { ended, thread })
    }

    /// The most that was seen.
    ///
    /// # Errors
    /// A process was gone.
    pub fn most(self) -> Result<Memory> {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().map_err(|_| anyhow!("the watch over memory failed"))?
    }
}

/// After the start, before any request.
///
/// # Errors
/// The service is not running.
pub fn at_rest(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    stage.figures.extend(Memory::of(&subject.processes()?)?.figures("at rest"));
    Ok(())
}

/// After everything before, and through the soak where one is asked for.
///
/// # Errors
/// The service is not running, or fails under the load.
pub fn measure(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    stage.figures.extend(Memory::of(&subject.processes()?)?.figures("after all this"));
    let minutes = stage.run.soak;
    if minutes > 0 {
        stage.say(&format!("soaking for {minutes} min"));
        soak::measure(stage, subject, Duration::from_secs(60 * minutes))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Memory, line};

    #[test]
    fn lines_are_told_by_their_whole_name() {
        let text = "Pss_Anon:  1 kB\nPss:               7 kB\nRss:    12 kB\n";
        assert_eq!((line(text, "Pss"), line(text, "Rss"), line(text, "Ps")), (Some(7 << 10), Some(12 << 10), None));
    }

    #[test]
    fn this_process_takes_memory_and_shares_some() {
        let memory = Memory::of(&[std::process::id()]).unwrap();
        assert!(memory.proportional > 0 && memory.proportional <= memory.resident, "{memory:?}");
    }
}
