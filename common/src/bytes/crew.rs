//! Several workers, each of which takes the next piece when it is done with its last.

use std::{
    sync::{Mutex, PoisonError},
    thread,
};

use super::{error::BytesError, pace::Pace};
use crate::driver::OpCtx;

/// Pieces in flight: while one is read another is written, and a device with a queue has something in it. Each takes a
/// processor for a good part of its time, so that no more than two for each do good.
const WORKERS: u64 = 4;
const WORKERS_PER_PROCESSOR: u64 = 2;
/// A worker's memory costs some time, too: less than so many bytes are not worth one.
const BYTES_PER_WORKER: u64 = 16 << 20;

/// Part of a piece of work.
pub(super) struct Piece<T> {
    /// What to do.
    pub(super) what: T,
    /// Bytes that it moves, as progress counts them.
    pub(super) bytes: u64,
    /// Bytes that count against the rate.
    pub(super) cost: u64,
}

struct Shared<N, E> {
    next: N,
    ended: bool,
    failed: Option<E>,
}

/// Does all pieces that `next` gives, in any order, each by `work` with memory that its worker made by `memory`. `total`
/// bytes are expected. After an error, what was begun is ended and nothing more is begun.
pub(super) fn run<T, M, N, E>(
    (ctx, pace): (&OpCtx, &Pace),
    total: u64,
    next: N,
    memory: impl Fn() -> M + Sync,
    work: impl Fn(&mut M, T) -> Result<(), E> + Sync,
) -> Result<(), E>
where
    N: FnMut() -> Result<Option<Piece<T>>, E> + Send,
    E: From<BytesError> + Send,
{
    pace.did(ctx, 0);
    let shared = Mutex::new(Shared { next, ended: false, failed: None });
    let worker = || {
        let mut memory = memory();
        while let Some(piece) = take(ctx, pace, &shared) {
            match work(&mut memory, piece.what) {
                Ok(()) => pace.did(ctx, piece.bytes),
                Err(error) => fail(&shared, error),
            }
        }
    };
    let processors = thread::available_parallelism().map_or(1, |processors| processors.get() as u64);
    let most = WORKERS.min(processors.saturating_mul(WORKERS_PER_PROCESSOR));
    thread::scope(|scope| {
        for number in 1..(total / BYTES_PER_WORKER).clamp(1, most) {
            // One that cannot be had is done without.
            let named = thread::Builder::new().name(format!("copy-{number}"));
            if let Err(error) = named.spawn_scoped(scope, worker) {
                tracing::warn!(%error, "a copy goes on with fewer threads");
                break;
            }
        }
        worker();
    });
    match shared.into_inner().unwrap_or_else(PoisonError::into_inner).failed {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// The next piece. Whoever waits for the rate to allow it has the others wait behind.
fn take<T, N, E>(ctx: &OpCtx, pace: &Pace, shared: &Mutex<Shared<N, E>>) -> Option<Piece<T>>
where
    N: FnMut() -> Result<Option<Piece<T>>, E>,
    E: From<BytesError>,
{
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.ended {
        return None;
    }
    let next = ctx.check().map_err(|stopped| BytesError::from(stopped).into()).and_then(|()| (shared.next)());
    let admit = |piece: Piece<T>| pace.admit(ctx, piece.cost).map(|()| piece).map_err(E::from);
    match next.and_then(|piece| piece.map(admit).transpose()) {
        Ok(Some(piece)) => Some(piece),
        Ok(None) => {
            shared.ended = true;
            None
        }
        Err(error) => {
            shared.ended = true;
            shared.failed = Some(error);
            None
        }
    }
}

fn fail<N, E>(shared: &Mutex<Shared<N, E>>, error: E) {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    shared.ended = true;
    shared.failed.get_or_insert(error);
}
