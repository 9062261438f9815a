//! One command: frames from who asked for it to the machine that runs it, and back.

use std::{
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::RecvTimeoutError,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    frame::{Frame, Kind},
    machine::Machine,
};

/// For a program to end that was killed, with what it left running. A machine that cannot is stuck.
const KILL_LIMIT: Duration = Duration::from_secs(45);
/// A client that takes nothing for so long is taken for gone.
const CLIENT_LIMIT: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Runs what `start` says to its end. Where who asked for it is gone, it is killed; where that does not help, the machine is.
pub(super) fn run(machine: &Machine, client: UnixStream, start: Vec<u8>) {
    let prepared = client
        .set_read_timeout(None)
        .and_then(|()| client.set_write_timeout(Some(CLIENT_LIMIT)))
        .and_then(|()| client.try_clone());
    let Ok(mut asks) = prepared else { return };
    let mut answers = client;
    let opened = machine.open().and_then(|(channel, given)| {
        machine.send(&Frame::new(Kind::Start, channel, start))?;
        Ok((channel, given))
    });
    let (channel, given) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let _gone = Frame::new(Kind::Lost, 0, error.to_string()).write(&mut answers);
            return;
        }
    };
    let (gone, over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while let Ok(frame) = Frame::read(&mut asks) {
                if matches!(frame.kind, Kind::Input | Kind::InputEnd | Kind::Signal) {
                    let _seen_by_the_other = machine.send(&Frame { channel, ..frame });
                }
            }
            if !over.load(Ordering::Relaxed) {
                gone.store(true, Ordering::Relaxed);
                let number = u8::try_from(Signal::KILL.as_raw()).unwrap_or(9);
                let _seen_by_the_other = machine.send(&Frame::new(Kind::Signal, channel, [number]));
            }
        });
        let mut gone_since = None;
        let last = loop {
            let frame = match given.recv_timeout(LOOK_AGAIN) {
                Ok(frame) => frame,
                Err(RecvTimeoutError::Disconnected) => {
                    break Frame::new(Kind::Lost, 0, machine.lost("died").to_string());
                }
                Err(RecvTimeoutError::Timeout) => {
                    if !gone.load(Ordering::Relaxed) {
                        continue;
                    }
                    let since = *gone_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > KILL_LIMIT {
                        let _dead_for_all_others = machine.kill();
                        break Frame::new(Kind::Lost, 0, "the program could not be ended, and its machine was");
                    }
                    continue;
                }
            };
            if frame.kind == Kind::Exit {
                break frame;
            }
            if !gone.load(Ordering::Relaxed) && frame.write(&mut answers).is_err() {
                let _the_other_thread_sees_it = answers.shutdown(Shutdown::Both);
            }
        };
        over.store(true, Ordering::Relaxed);
        let _gone = last.write(&mut answers);
        let _gone = answers.shutdown(Shutdown::Both);
    });
}
