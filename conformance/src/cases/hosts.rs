//! Two hosts on one backend: both of a driver that is made for it, or one that comes up while the one before it still
//! lives.

use std::sync::Arc;

use ashlar_common::{
    driver::{AccessMode, Detach, Driver, Error, Kind, Outcome, Result, VolumeRef},
    units::ByteCount,
};

use crate::{
    answers::{changed, equal, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, with_zero_tail},
    outcome::{Held, Stop, ensure},
    race,
    stage::{Stage, refused},
};

use super::{
    Case,
    attach::{attached_to, exports},
};

const SIZE: usize = (1 << 20) + 512;
/// Calls of each host in a race.
const CALLS: usize = 4;

/// Behaviour 50.
pub const CASES: &[Case] = &[Case {
    behaviour: Behaviour {
        number: 50,
        group: Group::Concurrency,
        name: "second_host_beside_a_living_one_damages_nothing",
        clauses: &["call.7", "call.6", "attach.2", "detach.2"],
        need: Need::Core,
    },
    run: |stage| Box::pin(two_hosts(stage)),
}];

/// Two drivers of one backend. The first is that of the stage, and serves.
struct Hosts {
    drivers: [Arc<dyn Driver>; 2],
    /// One that is not made for it may say that it cannot be reached, at any time.
    may_refuse: bool,
}

async fn two_hosts(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let claimed = stage.claims.capabilities.active_active;
    let (clone, second) = comes_up_beside_a_clone(stage, &volume, &content).await?;
    let Some(second) = second else {
        ensure(!claimed, || "the driver is said to serve with several hosts, and a second does not open".to_owned())?;
        return stage.holds("a volume whose host had no second", &volume, &content).await;
    };
    let (first, other) = (stage.driver().await, Arc::clone(&second.driver));
    let fenced = |answer: &Result<_>| matches!(answer, Err(error) if !claimed && error.kind() == Kind::Unavailable);
    let mut hosts = Hosts { drivers: [first, other], may_refuse: !claimed };
    let kept = if fenced(&hosts.drivers[0].list(&stage.ctx()).await) {
        hosts.drivers.swap(0, 1);
        stage.hand_over(second).await
    } else {
        Arc::new(second)
    };
    hosts.create(stage).await?;
    hosts.attach(stage, &volume).await?;
    hosts.detach_what_the_other_attached(stage, &volume).await?;
    hosts.extend(stage, &volume).await?;
    stage.holds("a volume of two hosts", &volume, &with_zero_tail(&content, 2 * SIZE)).await?;
    hosts.delete(stage, &clone).await?;
    kept.life.kill().await;
    stage.holds("a volume after one of two hosts died", &volume, &with_zero_tail(&content, 2 * SIZE)).await?;
    stage.delete(&volume).await
}

/// A second host opens while the first is at work: what that one makes is not cleared away.
async fn comes_up_beside_a_clone(
    stage: &Stage,
    volume: &VolumeRef,
    content: &[u8],
) -> Held<(VolumeRef, Option<crate::subject::Host>)> {
    let spec = stage.spec(SIZE as u64)?;
    let (driver, ctx, wanted, from) = (stage.driver().await, stage.ctx(), spec.clone(), volume.clone());
    let cloning = tokio::spawn(async move { driver.clone_volume(&ctx, &wanted, &from).await });
    let second = match stage.site.start().await {
        Ok(host) => Some(host),
        Err(Stop::Failed(_why)) if !stage.claims.capabilities.active_active => None,
        Err(stop) => return Err(stop),
    };
    match cloning.await.map_err(Stop::failed)? {
        Err(error) if second.is_some() && is_refusal(stage, &error) => {}
        other => {
            changed("a clone while a second host comes up", other)?;
            stage.holds("a clone made while a second host came up", &spec.volume, content).await?;
        }
    }
    Ok((spec.volume, second))
}

fn is_refusal(stage: &Stage, error: &Error) -> bool {
    !stage.claims.capabilities.active_active && error.kind() == Kind::Unavailable
}

impl Hosts {
    /// How many of these answers say that they changed something. Of the others each is `Unchanged` or one of `kinds`.
    fn changes<T>(&self, call: &str, answers: Vec<Result<Outcome<T>>>, kinds: &[Kind]) -> Held<usize> {
        let (mut changes, mut served) = (0, 0);
        for answer in answers {
            match answer {
                Ok(Outcome::Changed(_)) => changes += 1,
                Err(error) if self.may_refuse && error.kind() == Kind::Unavailable => continue,
                Err(error) if kinds.contains(&error.kind()) => {}
                other => unchanged(call, other).map(drop)?,
            }
            served += 1;
        }
        ensure(served > 0, || format!("{call}: neither of two hosts serves"))?;
        Ok(changes)
    }

    /// The same call of both hosts, some times each.
    async fn race<T: Send + 'static>(
        &self,
        call: impl Fn(Arc<dyn Driver>) -> race::Call<Result<Outcome<T>>>,
    ) -> Held<Vec<Result<Outcome<T>>>> {
        let calls = (0..2 * CALLS).map(|number| call(Arc::clone(&self.drivers[number % 2])));
        race::all(calls.collect()).await
    }

    async fn create(&self, stage: &Stage) -> Held {
        let spec = stage.spec(SIZE as u64)?;
        let answers = self.race(|driver| {
            let (ctx, spec) = (stage.ctx(), spec.clone());
            Box::pin(async move { driver.create(&ctx, &spec).await })
        });
        let changes = self.changes("the same create of two hosts", answers.await?, &[])?;
        ensure(changes == 1, || format!("two hosts made one volume at once: {changes} answers say that they did"))?;
        for driver in &self.drivers {
            match driver.inspect(&stage.ctx(), &spec.volume).await {
                Err(error) if self.may_refuse && error.kind() == Kind::Unavailable => {}
                Err(error) => return Err(refused("inspect", &error)),
                Ok(found) => ensure(found.is_some(), || "a host does not see what another made".to_owned())?,
            }
        }
        stage.delete(&spec.volume).await
    }

    async fn attach(&self, stage: &Stage, volume: &VolumeRef) -> Held {
        let answers = self.race(|driver| {
            let (ctx, volume, spec) = (stage.ctx(), volume.clone(), stage.attachment(AccessMode::ReadWrite));
            Box::pin(async move { driver.attach(&ctx, &volume, &spec).await })
        });
        let won = self.changes("attachments of two hosts", answers.await?, &[Kind::Busy])?;
        let most = stage.driver().await.multi_attach().map_or(1, |multi| multi.max_attachments());
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        ensure(won >= 1 && won <= most, || {
            format!("two hosts attach one volume, which may have {most} attachments: {won} answers say that they did")
        })?;
        let found = attached_to(stage, volume).await?.len();
        equal("attachments after those of two hosts", &found, &won)?;
        changed("detach of all", stage.driver().await.detach(&stage.ctx(), volume, Detach::All).await)
    }

    async fn detach_what_the_other_attached(&self, stage: &Stage, volume: &VolumeRef) -> Held {
        let spec = stage.attachment(AccessMode::ReadWrite);
        let [first, second] = &self.drivers;
        changed("attach", first.attach(&stage.ctx(), volume, &spec).await)?;
        let answer = second.detach(&stage.ctx(), volume, Detach::One(spec.id)).await;
        if let Err(error) = &answer
            && is_refusal(stage, error)
        {
            equal("attachments after a refusal", &attached_to(stage, volume).await?, &vec![spec.id])?;
            return changed("detach", first.detach(&stage.ctx(), volume, Detach::All).await);
        }
        changed("detach of what another host attached", answer)?;
        equal("attachments after that", &attached_to(stage, volume).await?, &Vec::new())?;
        equal("exports after that", &exports(stage).await?, &Vec::new())
    }

    async fn extend(&self, stage: &Stage, volume: &VolumeRef) -> Held {
        let size = ByteCount::new(2 * SIZE as u64).map_err(Stop::failed)?;
        let answers = self.race(|driver| {
            let (ctx, volume) = (stage.ctx(), volume.clone());
            Box::pin(async move { driver.extend(&ctx, &volume, size).await })
        });
        let changes = self.changes("the same extend of two hosts", answers.await?, &[])?;
        ensure(changes == 1, || format!("two hosts grew one volume at once: {changes} answers say that they did"))
    }

    async fn delete(&self, stage: &Stage, volume: &VolumeRef) -> Held {
        let there = usize::from(stage.inspect(volume).await?.is_some());
        let answers = self.race(|driver| {
            let (ctx, volume) = (stage.ctx(), volume.clone());
            Box::pin(async move { driver.delete(&ctx, &volume).await })
        });
        let changes = self.changes("the same delete of two hosts", answers.await?, &[])?;
        ensure(changes == there, || {
            format!("two hosts removed one volume at once: {changes} answers say that they did")
        })
    }
}
