//! Plays a sequence on a real backend, beside the model.

mod ask;
mod clients;
mod cut;
mod look;
mod names;
mod trouble;

use std::{fmt::Write, sync::Arc};

use ashlar_common::driver::capability::MultiAttach;
use tempfile::TempDir;

use self::{
    ask::{Asker, Told},
    clients::Clients,
    names::Names,
    trouble::Asked,
};
use super::{
    call::{ATTACHMENTS, Answer, Call, SNAPSHOTS, SnapshotSlot, VOLUMES, VolumeSlot},
    rules::{Event, Limits, Seen, allowed, explain},
    sequence::{Action, Drawn, Flavour, Trouble},
    world::World,
};
use crate::{
    outcome::{Held, Stop, ensure},
    race,
    stage::Stage,
};

/// A sequence as it was played: its steps so far in words, and what stopped it.
pub(crate) struct Played {
    /// The steps, the last of which failed if one did.
    pub(crate) steps: Vec<String>,
    /// Whether everything followed the model.
    pub(crate) held: Held,
}

/// Plays a sequence on a fresh backend, and takes down all that it made.
pub(crate) async fn play(stage: &Stage, flavour: Flavour, sequence: &[Vec<Drawn>]) -> Played {
    let mut player = match Player::new(stage, flavour).await {
        Ok(player) => player,
        Err(stop) => return Played { steps: Vec::new(), held: Err(stop) },
    };
    let held = player.play(sequence).await;
    Played { steps: player.steps, held }
}

struct Player<'s> {
    stage: &'s Stage,
    flavour: Flavour,
    limits: Limits,
    asker: Asker,
    /// Every world that may be now, by all that was seen. Never empty.
    worlds: Vec<World>,
    clients: Clients,
    /// The number of the last step.
    nth: u32,
    steps: Vec<String>,
    /// Holds the images.
    _scratch: TempDir,
}

impl<'s> Player<'s> {
    async fn new(stage: &'s Stage, flavour: Flavour) -> Held<Self> {
        let most = stage.driver().await.multi_attach().map_or(1, MultiAttach::max_attachments);
        let attachments = usize::try_from(most).unwrap_or(usize::MAX).min(usize::from(ATTACHMENTS));
        let scratch = tempfile::tempdir().map_err(Stop::failed)?;
        let asker = Asker {
            names: Names::new(stage.site.pool()),
            connector: stage.site.connector(),
            scratch: scratch.path().to_owned(),
        };
        Ok(Self {
            stage,
            flavour,
            limits: Limits { claims: stage.claims, attachments, unit: stage.site.unit() },
            asker,
            worlds: vec![World::default()],
            clients: Clients::new(),
            nth: 0,
            steps: Vec::new(),
            _scratch: scratch,
        })
    }

    async fn play(&mut self, sequence: &[Vec<Drawn>]) -> Held {
        for drawn in sequence {
            self.step(drawn).await?;
        }
        self.told("compare all bytes");
        self.check().await?;
        self.take_down().await
    }

    /// The world to plan by.
    fn world(&self) -> Held<&World> {
        self.worlds.first().ok_or_else(|| Stop::failed("no world explains what was seen"))
    }

    fn told(&mut self, step: impl Into<String>) {
        self.steps.push(step.into());
    }

    /// Adds to what is told of the last step.
    fn tell(&mut self, more: std::fmt::Arguments<'_>) {
        if let Some(step) = self.steps.last_mut() {
            // Text never refuses more text.
            let _ = step.write_fmt(more);
        }
    }

    async fn step(&mut self, drawn: &[Drawn]) -> Held {
        let mut at_once = Vec::new();
        for drawn in drawn {
            self.nth += 1;
            match drawn.action(self.world()?, &self.limits, self.nth) {
                Action::Call(call) if self.flavour == Flavour::AtOnce => at_once.push((self.nth, call)),
                Action::Call(call) => self.call(call, drawn).await?,
                other => self.other(other).await?,
            }
        }
        if at_once.is_empty() { Ok(()) } else { self.at_once(&at_once).await }
    }

    async fn other(&mut self, action: Action) -> Held {
        match action {
            Action::Write { volume, attachment, offset, length } => {
                self.told(format!("{attachment} writes {length} bytes to {volume} at {offset} [{}]", self.nth));
                self.write(volume, attachment, (offset, length)).await
            }
            Action::Restart => {
                self.told("restart the host");
                self.let_all_go();
                self.stage.restart().await?;
                self.look(&[]).await
            }
            Action::Check | Action::Call(_) => {
                self.told("compare all bytes");
                self.check().await
            }
        }
    }

    /// Makes a call; if its outcome stays open, looks, and perhaps asks once more as a manager would.
    async fn call(&mut self, call: Call, drawn: &Drawn) -> Held {
        let (trouble, again) = drawn.trouble(self.flavour);
        let seen = self.single(call, trouble).await?;
        if again && !matches!(seen, Seen::Answer(_)) {
            self.nth += 1;
            self.single(call, Trouble::None).await?;
        }
        Ok(())
    }

    async fn single(&mut self, call: Call, trouble: Trouble) -> Held<Seen> {
        self.told(format!("{call}{trouble}"));
        self.let_go(&call);
        let asked = Asked { asker: self.asker.clone(), nth: self.nth, call };
        let (seen, told) = asked.play(self.stage, trouble).await?;
        self.tell(format_args!(" -> {}{}", told.answer, told.why));
        self.after(vec![(self.nth, call, seen, told)]).await?;
        if !matches!(seen, Seen::Answer(_)) || matches!(call, Call::Revert { .. }) {
            self.check_volume(call.volume()).await?;
        }
        Ok(seen)
    }

    async fn at_once(&mut self, calls: &[(u32, Call)]) -> Held {
        let told: Vec<_> = calls.iter().map(|(_, call)| call.to_string()).collect();
        self.told(told.join(" | "));
        let driver = self.stage.driver().await;
        let mut under_way: Vec<race::Call<Held<Told>>> = Vec::new();
        for (nth, call) in calls {
            self.let_go(call);
            let (asked, driver) = (Asked { asker: self.asker.clone(), nth: *nth, call: *call }, Arc::clone(&driver));
            under_way.push(Box::pin(async move { asked.ask(driver.as_ref(), Default::default()).await }));
        }
        let mut seen = Vec::new();
        for ((nth, call), told) in calls.iter().zip(race::all(under_way).await?) {
            let told = told?;
            seen.push((*nth, *call, Seen::Answer(told.answer), told));
        }
        let answers: Vec<_> = seen.iter().map(|(_, _, _, told)| format!("{}{}", told.answer, told.why)).collect();
        self.tell(format_args!(" -> {}", answers.join(" | ")));
        self.after(seen).await?;
        for (_, call) in calls {
            self.check_volume(call.volume()).await?;
        }
        Ok(())
    }

    /// Compares what was seen of calls with the model, and looks at what they left.
    async fn after(&mut self, seen: Vec<(u32, Call, Seen, Told)>) -> Held {
        let events: Vec<Event> = seen.iter().map(|(nth, call, seen, _)| (*nth, *call, *seen)).collect();
        let before = self.worlds.clone();
        self.worlds = explain(&before, &self.limits, &events);
        ensure(!self.worlds.is_empty(), || self.unexplained(&before, &events))?;
        let mut images = Vec::new();
        let mut calls = Vec::new();
        for (nth, call, seen, told) in seen {
            calls.push(call);
            if events.len() == 1 {
                self.remember(call, told.connection)?;
            } else {
                self.forget(call);
            }
            if let Call::ImageOut { volume } = call {
                images.push((volume, nth, seen));
            }
        }
        self.look(&calls).await?;
        self.see_who_left().await?;
        // At once with others, an image is of some instant that is not known.
        if let [(volume, nth, seen)] = images[..]
            && events.len() == 1
        {
            self.image_is_whole(volume, nth, seen)?;
        }
        Ok(())
    }

    /// An image appears whole or not at all.
    fn image_is_whole(&mut self, volume: VolumeSlot, nth: u32, seen: Seen) -> Held {
        match std::fs::read(self.asker.image(nth, "out").path) {
            Ok(bytes) => self.check_image(volume, &bytes),
            Err(error) => ensure(!matches!(seen, Seen::Done | Seen::Answer(Answer::Changed)), || {
                format!("an image was made, and cannot be read: {error}")
            }),
        }
    }

    /// What should have been answered.
    fn unexplained(&self, before: &[World], events: &[Event]) -> String {
        let ([world, ..], [(nth, call, _)]) = (before, events) else {
            return "no order of these calls explains their answers".to_owned();
        };
        let mut answers: Vec<_> = Vec::new();
        for (answer, _) in allowed(world, &self.limits, call, *nth) {
            answers.push(answer.to_string());
        }
        format!("the answer should be: {}", answers.join(" or "))
    }

    /// Removes everything, which is itself a part of the sequence, and finds nothing left.
    async fn take_down(&mut self) -> Held {
        for volume in (0..VOLUMES).map(VolumeSlot) {
            self.last(Call::DetachAll { volume }).await?;
        }
        for id in (0..SNAPSHOTS).map(SnapshotSlot) {
            let volume = self.world()?.snapshots.get(&id).map_or(VolumeSlot(0), |snapshot| snapshot.volume);
            self.last(Call::DeleteSnapshot { of: (id, volume) }).await?;
        }
        for volume in (0..VOLUMES).map(VolumeSlot) {
            self.last(Call::Delete { volume }).await?;
        }
        self.told("all is removed");
        self.is_bare().await
    }

    async fn last(&mut self, call: Call) -> Held {
        self.nth += 1;
        self.single(call, Trouble::None).await.map(drop)
    }
}
