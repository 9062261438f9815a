//! The keeper's side: machines that stand, and a socket for who wants programs run in them.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    boot::{Booter, Config},
    frame::{Frame, Kind, Start},
    machine::{Machine, lock},
    relay,
};
use crate::error::{Error, Result};

/// How often a machine is asked whether it still answers.
const ASK: Duration = Duration::from_secs(5);
/// A machine that said nothing for so long is stuck; one whose host is busy answers late.
const SILENCE_LIMIT: Duration = Duration::from_secs(90);
/// Boots in a row that may fail.
const FAILURES: u32 = 3;
/// Between two looks whether a waiting client is still there.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
const GREETING_LIMIT: Duration = Duration::from_secs(30);
const SOCKET: &str = "socket";

/// Machines and their socket. Both go with the value.
#[derive(Debug)]
pub struct Pool {
    inner: Arc<Inner>,
    socket: PathBuf,
}

#[derive(Debug)]
struct Inner {
    booter: Booter,
    slots: Mutex<Vec<Slot>>,
    changed: Condvar,
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct Slot {
    machine: Option<Arc<Machine>>,
    /// A program has it for itself.
    taken: bool,
    boots: u32,
    failures: u32,
    /// Why the last boot failed.
    fault: String,
}

impl Pool {
    /// Boots so many machines, and listens.
    ///
    /// # Errors
    /// The first does not start.
    pub fn raise(config: Config, machines: usize) -> Result<Self> {
        let socket = config.within.join(SOCKET);
        let booter = Booter::new(config);
        // Alone, so that what it takes to boot here is found out once.
        let first = Slot { machine: Some(Arc::new(booter.boot(0)?)), boots: 1, ..Slot::default() };
        let slots = [first].into_iter().chain((1..machines).map(|_| Slot::default())).collect();
        let (slots, changed, over) = (Mutex::new(slots), Condvar::new(), AtomicBool::new(false));
        let inner = Arc::new(Inner { booter, slots, changed, over });
        for index in 0..machines.max(1) {
            let inner = Arc::clone(&inner);
            thread::spawn(move || inner.tend(index));
        }
        let pool = Self { inner, socket };
        pool.listen()?;
        Ok(pool)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Ends all machines; new ones are booted in their place.
    ///
    /// # Errors
    /// One does not end.
    pub fn restart(&self) -> Result<()> {
        let machines: Vec<_> = lock(&self.inner.slots).iter().filter_map(|slot| slot.machine.clone()).collect();
        machines.iter().try_for_each(|machine| machine.kill())
    }

    fn listen(&self) -> Result<()> {
        let listened = || Error::io(format!("cannot listen at {}", self.socket.display()));
        match fs::remove_file(&self.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(listened()(error)),
            _ => {}
        }
        // The folder is open to others; the socket is its owner's from its first moment, as it gets its name only then.
        let new = self.socket.with_extension("new");
        let _was_not_there = fs::remove_file(&new);
        let listener = UnixListener::bind(&new).map_err(listened())?;
        fs::set_permissions(&new, Permissions::from_mode(0o600)).map_err(listened())?;
        fs::rename(&new, &self.socket).map_err(listened())?;
        let inner = Arc::clone(&self.inner);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let inner = Arc::clone(&inner);
                thread::spawn(move || inner.serve(client));
            }
        });
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.inner.over.store(true, Ordering::Relaxed);
        let _is_gone = fs::remove_file(&self.socket);
        let machines: Vec<_> = lock(&self.inner.slots).iter_mut().filter_map(|slot| slot.machine.take()).collect();
        for machine in &machines {
            let _found_by_the_next = machine.kill();
        }
        self.inner.changed.notify_all();
    }
}

impl Inner {
    /// Boots the machine of a slot, and again when it has died, and ends it when it does not answer.
    fn tend(&self, index: usize) {
        while !self.over.load(Ordering::Relaxed) {
            let machine = lock(&self.slots)[index].machine.clone();
            match machine {
                Some(machine) if machine.is_dead() => {
                    lock(&self.slots)[index].machine = None;
                }
                Some(machine) if self.is_over(index, &machine) => {
                    let _the_next_boot_says_why = machine.kill();
                }
                Some(machine) => {
                    let asked = machine.send(&Frame::new(Kind::Ping, 0, []));
                    if asked.is_err() || machine.silence() > SILENCE_LIMIT {
                        let _dead_for_all_others = machine.kill();
                    } else {
                        self.pause(index);
                    }
                }
                None if !self.boot(index) => return,
                None => {}
            }
        }
    }

    /// Whether its time is over: it is worn, and nobody has it nor can have it from here on.
    fn is_over(&self, index: usize, machine: &Machine) -> bool {
        let mut slots = lock(&self.slots);
        let over = !slots[index].taken && machine.is_worn();
        if over {
            slots[index].machine = None;
        }
        over
    }

    /// Whether it may be tried again.
    fn boot(&self, index: usize) -> bool {
        let booted = self.booter.boot(index);
        let mut slots = lock(&self.slots);
        let slot = &mut slots[index];
        match booted {
            Ok(_) if self.over.load(Ordering::Relaxed) => return false,
            Ok(machine) => {
                (slot.machine, slot.failures) = (Some(Arc::new(machine)), 0);
                slot.boots += 1;
            }
            Err(error) => {
                slot.failures += 1;
                slot.fault = error.to_string();
            }
        }
        self.changed.notify_all();
        slots[index].failures < FAILURES
    }

    /// Until it is time to ask again, or the machine has died.
    fn pause(&self, index: usize) {
        let mut waited = Duration::ZERO;
        while waited < ASK && !self.over.load(Ordering::Relaxed) {
            let ends = |machine: &Arc<Machine>| machine.is_dead() || machine.is_worn();
            if lock(&self.slots)[index].machine.as_ref().is_none_or(ends) {
                return;
            }
            thread::sleep(LOOK_AGAIN);
            waited += LOOK_AGAIN;
        }
    }

    fn serve(&self, mut client: UnixStream) {
        let lost = |mut client: &UnixStream, why: &str| {
            let _gone = Frame::new(Kind::Lost, 0, why).write(&mut client);
        };
        let started = client
            .set_read_timeout(Some(GREETING_LIMIT))
            .and_then(|()| Frame::read(&mut client))
            .and_then(|frame| Ok((frame.parse::<Start>()?, frame)));
        let (start, frame) = match started {
            Ok(started) => started,
            Err(error) => return lost(&client, &format!("that is no command: {error}")),
        };
        match self.take(&client, start.alone) {
            Ok(Some((index, machine))) => {
                relay::run(&machine, client, frame.payload);
                if start.alone {
                    lock(&self.slots)[index].taken = false;
                    self.changed.notify_all();
                }
            }
            Ok(None) => {}
            Err(why) => lost(&client, &why),
        }
    }

    /// A machine, once one is free; `None` where who waits for it is gone.
    fn take(&self, client: &UnixStream, alone: bool) -> std::result::Result<Option<(usize, Arc<Machine>)>, String> {
        let mut slots = lock(&self.slots);
        loop {
            let free = |slot: &&mut Slot| {
                let stands = |machine: &Arc<Machine>| !machine.is_dead() && !machine.is_worn();
                slot.machine.as_ref().is_some_and(stands) && !(alone && slot.taken)
            };
            if let Some((index, slot)) = slots.iter_mut().enumerate().find(|(_, slot)| free(slot)) {
                slot.taken |= alone;
                return Ok(slot.machine.clone().map(|machine| (index, machine)));
            }
            if let Some(slot) = slots.iter().find(|slot| slot.failures >= FAILURES)
                && slots.iter().all(|slot| slot.failures >= FAILURES)
            {
                return Err(format!("no machine starts any more: {}", slot.fault));
            }
            let waited = self.changed.wait_timeout(slots, LOOK_AGAIN);
            slots = waited.unwrap_or_else(PoisonError::into_inner).0;
            if is_gone(client) {
                return Ok(None);
            }
        }
    }
}

fn is_gone(client: &UnixStream) -> bool {
    let mut polled = [PollFd::new(client, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&at_once)).is_ok_and(|found| found > 0)
}
