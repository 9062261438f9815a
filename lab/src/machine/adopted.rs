//! Processes whose parent is gone, and which the agent therefore has as its children.

use std::{fs, process};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// One of them, or what one of them started.
struct Adopted {
    pid: Pid,
    name: String,
    dead: bool,
    /// A child of this process, which alone may take it in.
    child: bool,
}

/// The names and numbers of those that live. `leaders` are children of another kind: programs that were started.
pub(super) fn living(leaders: &[Pid]) -> Vec<String> {
    let living = all(leaders).into_iter().filter(|adopted| !adopted.dead);
    living.map(|adopted| format!("{} ({})", adopted.name, adopted.pid.as_raw_nonzero())).collect()
}

/// Kills them all, also those that they start meanwhile.
pub(super) fn kill(leaders: &[Pid]) {
    const ROUNDS: usize = 50;
    for _ in 0..ROUNDS {
        let living: Vec<_> = all(leaders).into_iter().filter(|adopted| !adopted.dead).collect();
        if living.is_empty() {
            return;
        }
        for adopted in living {
            let _ended_already = kill_process(adopted.pid, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        reap(leaders);
    }
}

/// Takes in those that are dead.
pub(super) fn reap(leaders: &[Pid]) {
    for adopted in all(leaders).into_iter().filter(|adopted| adopted.dead && adopted.child) {
        let _taken_already = waitpid(Some(adopted.pid), WaitOptions::NOHANG);
    }
}

fn all(leaders: &[Pid]) -> Vec<Adopted> {
    let own = i32::try_from(process::id()).unwrap_or_default();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let processes: Vec<Stat> = numbers.filter_map(Stat::read).collect();
    let parent_of = |pid: i32| processes.iter().find(|stat| stat.pid == pid).map(|stat| stat.parent);
    let is_adopted = |stat: &&Stat| {
        // Up to the child of this process: a leader's own are its business.
        let mut at = stat.pid;
        loop {
            match parent_of(at) {
                Some(parent) if parent == own => break,
                Some(parent) if parent > 1 => at = parent,
                _ => return false,
            }
        }
        !leaders.iter().any(|leader| leader.as_raw_nonzero().get() == at)
    };
    let found = processes.iter().filter(is_adopted);
    let adopted = found.filter_map(|stat| {
        let dead = matches!(stat.state, 'Z' | 'X');
        Some(Adopted { pid: Pid::from_raw(stat.pid)?, name: stat.name.clone(), dead, child: stat.parent == own })
    });
    adopted.collect()
}

/// The beginning of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: i32,
    name: String,
    state: char,
    parent: i32,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// `12 (name) S 1 ..`: the name in parentheses may hold anything.
    fn parse(line: &str) -> Option<Self> {
        let (pid, rest) = line.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?.chars().next()?;
        Some(Self { pid: pid.parse().ok()?, name: name.to_owned(), state, parent: fields.next()?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = Stat { pid: 12, name: "a) S (b".to_owned(), state: 'Z', parent: 7 };
        assert_eq!(Stat::parse("12 (a) S (b) Z 7 12 12 0"), Some(stat));
        assert_eq!(Stat::parse("12"), None);
    }
}
