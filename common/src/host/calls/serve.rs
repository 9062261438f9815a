//! The program's side of the conversation.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    lines::LineBuffer,
    perform::perform,
    protocol::{Greeting, MAX_CALLS, REQUEST_BYTES, Reply, Request},
};
use crate::{
    driver::{Driver, Kind, OpCtx, Progress},
    host::main::{Failure, MISUSE, UNUSABLE},
};

/// What calls get to end when the conversation does.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Between two lines of progress of one call.
const PROGRESS_PAUSE: Duration = Duration::from_millis(10);
/// Lines that wait to be read or written.
const QUEUE: usize = 64;

/// Serves a driver until standard input closes or `stop` fires.
pub(in crate::host) async fn serve(driver: Arc<dyn Driver>, stop: CancellationToken) -> Result<(), Failure> {
    let unusable = |error: io::Error| Failure(format!("cannot start a thread: {error}"), UNUSABLE);
    let (out, writer) = write_stdout(stop.clone()).map_err(unusable)?;
    let mut requests = read_stdin().map_err(unusable)?;
    let greeting = serde_json::to_string(&Greeting::of(driver.as_ref())).expect("text keys");
    let desk = Desk { driver, out, calls: Arc::default(), tasks: TaskTracker::new(), all: CancellationToken::new() };
    let _reader_gone = desk.out.send((greeting + "\n").into_bytes()).await;
    let ended = loop {
        let line = tokio::select! {
            biased;
            () = stop.cancelled() => break Ok(()),
            line = requests.recv() => line,
        };
        match line {
            None => break Ok(()),
            Some(Err(why)) => break Err(Failure(why, MISUSE)),
            Some(Ok(line)) => {
                if let Err(why) = desk.take(&line).await {
                    break Err(Failure(why, MISUSE));
                }
            }
        }
    };
    if !desk.close().await {
        // They hold the sender, so the writer would never end; the process does, and they with it.
        return Err(Failure("calls did not end after they were cancelled".to_owned(), UNUSABLE));
    }
    // All that holds the sender is gone, so the writer ends when everything is written.
    let _panicked = tokio::task::spawn_blocking(move || writer.join()).await;
    ended
}

/// Takes requests and keeps the calls that are under way.
struct Desk {
    driver: Arc<dyn Driver>,
    out: mpsc::Sender<Vec<u8>>,
    calls: Arc<Mutex<HashMap<u64, CancellationToken>>>,
    tasks: TaskTracker,
    all: CancellationToken,
}

impl Desk {
    /// Begins what the line asks; an error ends the conversation.
    async fn take(&self, line: &[u8]) -> Result<(), String> {
        match Request::read(line) {
            Ok(Request::Cancel(id)) => {
                let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(call) = calls.get(&id) {
                    call.cancel();
                }
                Ok(())
            }
            Ok(Request::Call { id, op, limit, call }) => {
                let Some(cancel) = self.register(id)? else {
                    let full = format!("{MAX_CALLS} calls are under way");
                    self.say(&Reply::Error(id, Kind::Unavailable, full)).await;
                    return Ok(());
                };
                let ctx = OpCtx::new(op, limit, cancel);
                let (driver, out, calls) = (Arc::clone(&self.driver), self.out.clone(), Arc::clone(&self.calls));
                self.tasks.spawn(async move {
                    let made = tokio::spawn({
                        let (driver, ctx) = (Arc::clone(&driver), ctx.clone());
                        async move { perform(driver.as_ref(), &ctx, &call).await }
                    });
                    let ended = with_progress(id, &ctx, &out, made).await;
                    let reply = match ended {
                        Ok(Ok(answer)) => Reply::Answer(id, answer),
                        Ok(Err(error)) => Reply::Error(id, error.kind(), error.chain()),
                        Err(panic) => Reply::Error(id, Kind::Fatal, format!("the driver panicked: {panic}")),
                    };
                    // Free before it is answered: the caller may use the number again at once.
                    calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                    let _reader_gone = out.send(reply.write()).await;
                });
                Ok(())
            }
            Err(refused) => match refused.id {
                Some(id) if !self.is_under_way(id) => {
                    self.say(&Reply::Error(id, Kind::Invalid, refused.why)).await;
                    Ok(())
                }
                Some(id) => Err(format!("the id {id} is that of a call under way")),
                None => Err(format!("a request that cannot be answered: {}", refused.why)),
            },
        }
    }

    fn is_under_way(&self, id: u64) -> bool {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// A token for a new call; none where there are too many.
    fn register(&self, id: u64) -> Result<Option<CancellationToken>, String> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.contains_key(&id) {
            return Err(format!("the id {id} is that of a call under way"));
        }
        if calls.len() >= MAX_CALLS as usize {
            return Ok(None);
        }
        let token = self.all.child_token();
        calls.insert(id, token.clone());
        Ok(Some(token))
    }

    async fn say(&self, reply: &Reply) {
        let _reader_gone = self.out.send(reply.write()).await;
    }

    /// Cancels what is under way and waits for it, but not for ever; whether all of it ended.
    async fn close(self) -> bool {
        self.all.cancel();
        self.tasks.close();
        tokio::time::timeout(LAST_WORDS, self.tasks.wait()).await.is_ok()
    }
}

/// Waits for the call, and says how far it is.
async fn with_progress<T>(
    id: u64,
    ctx: &OpCtx,
    out: &mpsc::Sender<Vec<u8>>,
    mut made: tokio::task::JoinHandle<T>,
) -> Result<T, tokio::task::JoinError> {
    let mut progress = ctx.watch_progress();
    let mut said = Progress::default();
    let ended = loop {
        let ended = tokio::select! {
            biased;
            ended = &mut made => Some(ended),
            Ok(()) = progress.changed() => say(&mut progress, &mut said, id, out, &mut made).await,
        };
        if let Some(ended) = ended {
            break ended;
        }
    };
    // How far it came is told before how it ended.
    let now = *progress.borrow_and_update();
    if now != said {
        let _reader_gone = out.send(Reply::Progress(id, now).write()).await;
    }
    ended
}

/// Says how far the call is, and nothing more for a while; how it ended, if it did meanwhile.
async fn say<T>(
    progress: &mut watch::Receiver<Progress>,
    said: &mut Progress,
    id: u64,
    out: &mpsc::Sender<Vec<u8>>,
    made: &mut tokio::task::JoinHandle<T>,
) -> Option<Result<T, tokio::task::JoinError>> {
    let now = *progress.borrow_and_update();
    if now != *said {
        *said = now;
        let _reader_gone = out.send(Reply::Progress(id, now).write()).await;
    }
    tokio::time::timeout(PROGRESS_PAUSE, made).await.ok()
}

/// Lines of standard input. A thread of its own: the runtime would wait for a blocked read when it ends.
fn read_stdin() -> io::Result<mpsc::Receiver<Result<Vec<u8>, String>>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let (mut buffer, mut chunk) = (LineBuffer::new(REQUEST_BYTES), vec![0; 64 * 1024]);
        let mut stdin = io::stdin().lock();
        while let Ok(read @ 1..) = stdin.read(&mut chunk) {
            let (lines, long) = buffer.push(&chunk[..read]);
            let long = long.map(|long| Err(format!("the request is {long}")));
            for line in lines.into_iter().map(Ok).chain(long) {
                let last = line.is_err();
                if sender.blocking_send(line).is_err() || last {
                    return;
                }
            }
        }
    })?;
    Ok(receiver)
}

/// Writes lines to standard output; fires `stop` when nobody reads them any more.
fn write_stdout(stop: CancellationToken) -> io::Result<(mpsc::Sender<Vec<u8>>, JoinHandle<()>)> {
    let (sender, mut lines) = mpsc::channel::<Vec<u8>>(QUEUE);
    let writer = std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
        let mut stdout = io::stdout().lock();
        while let Some(line) = lines.blocking_recv() {
            if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
                return stop.cancel();
            }
        }
    })?;
    Ok((sender, writer))
}
