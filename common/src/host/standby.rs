//! Standing by: waiting for a seat at the backend, and taking it within seconds when who has it is gone.

use std::{path::Path, time::Duration};

use tokio::time::Instant;

use super::lock::{self, SEATS, Seat};
use crate::{
    chain::chain,
    driver::Lease,
    ids::BackendName,
    manager::{
        rivals::{self, Rivals, has_seat},
        watch::Watch,
    },
    store::{
        self, Store,
        members::{Gone, Joining, MemberRecord},
    },
};

/// Between two tries for a seat on this machine.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two looks into the store, at most.
const LOOK: Duration = Duration::from_secs(1);
/// Stands for the count of a member whose row is gone.
const NO_ROW: u64 = u64::MAX;

/// A process that waits for a seat.
pub(super) struct Standby<'a> {
    pub(super) store: &'a Store,
    pub(super) run_directory: &'a Path,
    /// As it will join; whom it knows to be gone is found out here.
    pub(super) joining: Joining<'a>,
    pub(super) others: Others,
}

/// What a stand-by has seen of the others.
#[derive(Debug, Default)]
pub(super) struct Others {
    rivals: Rivals,
    /// Those of this machine by what their count stands at.
    neighbours: Watch<u64>,
    told: bool,
}

/// The right to serve.
pub(super) struct Entered {
    pub(super) seat: Seat,
    pub(super) epoch: u64,
    pub(super) lease: Lease,
}

impl Standby<'_> {
    /// Waits for a seat and takes it. Dropped while it waits, it leaves nothing behind.
    pub(super) async fn enter(&mut self) -> std::io::Result<Entered> {
        let (mut seat, mut looked, mut seats) = (None, None::<Instant>, 1);
        let look = LOOK.min(rivals::interval(self.joining.lease) / 2);
        loop {
            if seat.is_none() {
                seat = free_seat(self.run_directory, self.joining.backend, seats)?;
                if seat.is_some() {
                    looked = None;
                }
            }
            if looked.is_none_or(|looked| looked.elapsed() >= look) {
                looked = Some(Instant::now());
                match self.look(seat.as_ref()).await {
                    Ok(Look::Seats(found)) => seats = found,
                    Ok(Look::Joined(epoch, lease)) => {
                        let Some(seat) = seat else { continue };
                        seat.joined(epoch)?;
                        return Ok(Entered { seat, epoch, lease });
                    }
                    Err(error) => tracing::warn!(error = chain(&error), "cannot look at who serves; trying again"),
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn look(&mut self, seat: Option<&Seat>) -> Result<Look, store::Error> {
        let members = rivals::members(self.store, self.joining.backend).await?;
        let mut gone = self.others.rivals.lapsed(&members, self.store.clock().uptime);
        gone.extend(seat.and_then(Seat::before).map(|epoch| Gone::Ended { epoch }));
        if seat.is_none() {
            self.end_neighbours(&members, &gone).await?;
        } else if has_seat(&members, &gone) {
            return self.join(&gone).await;
        }
        if !self.others.told {
            let holders: Vec<&str> = members.iter().map(|member| member.holder.as_str()).collect();
            tracing::info!(backend = %self.joining.backend, served_by = ?holders, "standing by");
            self.others.told = true;
        }
        Ok(Look::Seats(members.iter().map(|member| member.seats).min().unwrap_or(1)))
    }

    async fn join(&self, gone: &[Gone]) -> Result<Look, store::Error> {
        let (store, asked) = (self.store.clone(), self.store.clock().uptime);
        let joining = Joining { gone, now: store.now(), ..self.joining.clone() };
        Ok(match rivals::join(&store, &joining).await? {
            Some(epoch) => {
                let uptime = move || store.clock().uptime;
                Look::Joined(epoch, Lease::new(self.joining.lease, asked, uptime))
            }
            None => Look::Seats(1),
        })
    }

    /// Ends processes of this machine that hang: they keep their seats, but do not serve any more. First their rows go, in
    /// a commit of its own: that it succeeds shows that the store is there and that it is not the store they wait for.
    async fn end_neighbours(&mut self, members: &[MemberRecord], gone: &[Gone]) -> Result<(), store::Error> {
        for number in 0..SEATS {
            let backend = self.joining.backend;
            let Some(occupant) = lock::occupant(self.run_directory, backend, number) else { continue };
            let lapsed = gone.iter().find(|gone| gone.epoch() == occupant.epoch);
            let fenced = match lapsed {
                Some(gone) => rivals::fence(self.store, backend, *gone).await?,
                None => self.lingers(occupant.epoch, members),
            };
            if fenced {
                match occupant.kill() {
                    Ok(true) => tracing::warn!(%backend, ?occupant, "killed a host that hangs"),
                    Ok(false) => {}
                    Err(error) => tracing::error!(%backend, ?occupant, %error, "a host hangs and cannot be killed"),
                }
            }
        }
        Ok(())
    }

    /// Whether a process has kept its seat for a whole lease although it is no member any more: it should have ended by
    /// itself.
    fn lingers(&mut self, epoch: u64, members: &[MemberRecord]) -> bool {
        let count = members.iter().find(|member| member.epoch == epoch).map_or(NO_ROW, |member| member.renewals);
        let unchanged = self.others.neighbours.unchanged(&epoch, count, self.store.clock().uptime);
        count == NO_ROW && unchanged > self.joining.lease
    }
}

enum Look {
    /// None for us yet; so many there may be in all.
    Seats(u32),
    Joined(u64, Lease),
}

fn free_seat(run_directory: &Path, backend: &BackendName, seats: u32) -> std::io::Result<Option<Seat>> {
    for number in 0..seats.clamp(1, SEATS) {
        if let Some(seat) = Seat::take(run_directory, backend, number)? {
            return Ok(Some(seat));
        }
    }
    Ok(None)
}
