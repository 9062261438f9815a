//! Limits, measured as clients feel them.

use std::{
    num::NonZeroU64,
    time::{Duration, Instant},
};

use ashlar_common::driver::{
    VolumeRef,
    capability::{Limits, Qos},
};

use crate::{
    answers::{changed, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    outcome::{Held, Stop, ensure},
    stage::{Attached, Stage},
    subject::Disk,
};

use super::Case;

const SIZE: u64 = 16 << 20;
/// What a request reads or writes.
const BLOCK: usize = 4096;
/// How long a limit is measured.
const MEASURED: Duration = Duration::from_secs(2);
/// How long it is found out what is possible without.
const UNLIMITED: Duration = Duration::from_millis(300);
/// The limit is this part of what is possible, so that it is the limit that is felt.
const PART: u64 = 8;
/// The lowest and the highest limit that is tried, in requests a second.
const LIMITS: (u64, u64) = (20, 500);

/// Behaviour 59.
pub const CASES: &[Case] = &[Case {
    behaviour: Behaviour {
        number: 59,
        group: Group::Declared,
        name: "limits_are_what_clients_measure",
        clauses: &["qos.1", "qos.2"],
        need: Need::Qos,
    },
    run: |stage| Box::pin(limits(stage)),
}];

/// What is limited, and how a client does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    ReadIops,
    WriteIops,
    ReadBytes,
    WriteBytes,
}

impl Work {
    const ALL: [Self; 4] = [Self::ReadIops, Self::WriteIops, Self::ReadBytes, Self::WriteBytes];

    /// So many requests a second and no more.
    fn limits(self, requests: NonZeroU64) -> Limits {
        let bytes = requests.saturating_mul(NonZeroU64::new(BLOCK as u64).unwrap_or(NonZeroU64::MIN));
        let none = Limits::default();
        match self {
            Self::ReadIops => Limits { read_iops: Some(requests), ..none },
            Self::WriteIops => Limits { write_iops: Some(requests), ..none },
            Self::ReadBytes => Limits { read_bytes: Some(bytes), ..none },
            Self::WriteBytes => Limits { write_bytes: Some(bytes), ..none },
        }
    }

    /// One request.
    fn once(self, disk: &dyn Disk, offset: u64) -> std::io::Result<()> {
        match self {
            Self::ReadIops | Self::ReadBytes => disk.read_at(&mut [0; BLOCK], offset),
            // Without the sync a cache at the client could take them faster than the backend allows.
            Self::WriteIops | Self::WriteBytes => disk.write_at(&[1; BLOCK], offset).and_then(|()| disk.sync()),
        }
    }

    /// What another limit should not slow down.
    fn other(self) -> Self {
        match self {
            Self::ReadIops | Self::ReadBytes => Self::WriteIops,
            Self::WriteIops | Self::WriteBytes => Self::ReadIops,
        }
    }
}

/// Requests a second that a client gets done.
async fn measure(client: &Attached<'_>, work: Work, time: Duration) -> Held<u64> {
    let measured = client.on_thread(move |disk| {
        let (begun, mut done) = (Instant::now(), 0_u64);
        while begun.elapsed() < time {
            work.once(disk, (done * BLOCK as u64) % SIZE)?;
            done += 1;
        }
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        Ok(done.saturating_mul(1000) / millis)
    });
    measured.await.map_err(|error| Stop::failed(format!("a client works on its volume ({work:?}): {error}")))
}

async fn set(stage: &Stage, qos: &dyn Qos, volume: &VolumeRef, limits: &Limits) -> Held {
    changed("limit", qos.limit(&stage.ctx(), volume, limits).await)?;
    unchanged("the same limit again", qos.limit(&stage.ctx(), volume, limits).await)
}

async fn limits(stage: &Stage) -> Held {
    let (limited, free) = (stage.create(SIZE).await?, stage.create(SIZE).await?);
    let (client, neighbour) = (stage.attach(&limited).await?, stage.attach(&free).await?);
    for work in Work::ALL {
        one_limit(stage, work, &client, &neighbour).await?;
    }
    client.detach().await?;
    neighbour.detach().await
}

async fn one_limit(stage: &Stage, work: Work, client: &Attached<'_>, neighbour: &Attached<'_>) -> Held {
    let driver = stage.driver().await;
    let qos = driver.qos().ok_or_else(|| Stop::failed("the driver has no limits to set any more"))?;
    let possible = measure(client, work, UNLIMITED).await?;
    let limit = (possible / PART).clamp(LIMITS.0, LIMITS.1);
    ensure(limit < possible, || format!("{possible} requests a second are too few to see a limit"))?;
    set(stage, qos, &client.volume, &work.limits(NonZeroU64::new(limit).unwrap_or(NonZeroU64::MIN))).await?;
    let felt = measure(client, work, MEASURED).await?;
    // A burst at the beginning is usual, of a second's worth at most; half of the limit is a good part of it.
    ensure(felt <= limit + limit / 2 + limit / 8, || {
        format!("{work:?} is limited to {limit} requests of {BLOCK} bytes a second, and a client gets {felt}")
    })?;
    ensure(felt >= limit / 2, || {
        format!("{work:?} is limited to {limit} requests of {BLOCK} bytes a second, and a client gets only {felt}")
    })?;
    for (whose, client, work) in [("another volume", neighbour, work), ("other requests", client, work.other())] {
        let felt = measure(client, work, UNLIMITED).await?;
        ensure(felt > limit * 2, || format!("a limit of {limit} on {work:?} slows down {whose}: {felt} a second"))?;
    }
    set(stage, qos, &client.volume, &Limits::default()).await?;
    let again = measure(client, work, UNLIMITED).await?;
    ensure(again > limit * 2, || format!("{work:?} without limits again: {again} a second, as if limited to {limit}"))
}
