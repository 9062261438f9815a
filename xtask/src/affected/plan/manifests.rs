//! What changed manifests, the lock file and the files of removed packages mean for the jobs.

use super::{Planner, Scope, Step, ways::Way};
use crate::affected::{
    graph::PackageIndex,
    jobs::Job,
    path::RepoPath,
    shape::{
        manifest::{Concerns, concerns},
        place::{Compared, Manifests},
    },
};

impl Planner<'_> {
    /// The jobs that `name` reaches as a manifest; `None` where it is none that cargo reads.
    pub(super) fn over_manifests(&self, name: &RepoPath) -> Option<Vec<Way>> {
        let root = matches!(name.as_bytes(), b"Cargo.toml" | b"Cargo.lock");
        let member = self.workspace.members().find(|(_, package)| {
            let inside = package.directory.as_deref().and_then(|directory| name.below(directory));
            inside == Some(b"Cargo.toml")
        });
        let compared = match &self.manifests {
            Manifests::Compared(compared) if compared.paths.contains(name) || below_any(name, compared) => compared,
            Manifests::Unknown(why) if root || member.is_some() => {
                return Some(self.every(&Step::Uncompared(why.clone())));
            }
            Manifests::Compared(_) | Manifests::Untouched if root => {
                return Some(self.every(&Step::Uncompared("it is the same as at the base".to_owned())));
            }
            _ => return None,
        };
        let owner = self.workspace.owner(name);
        let mut found = Vec::new();
        if !root && member.is_none() && (owner.is_some() || !below_any(name, compared)) {
            // Cargo reads it for no member, so it is placed like any file, and may be blamed for more.
            compared.effects.get(name)?;
            found = match owner {
                Some((origin, reach)) => self.over_packages(origin, reach),
                None => self.unplaced().collect(),
            };
        }
        for effect in compared.effects.get(name).into_iter().flatten() {
            match effect.origin {
                None => {
                    let other_builds = concerns(&effect.what) == Concerns::OtherBuilds;
                    let reached = |way: &Way| !other_builds || self.table.jobs[way.job].own_command().is_some();
                    found.extend(self.every(&Step::EveryPackage(effect.what.clone())).into_iter().filter(reached));
                }
                Some((origin, reach)) => {
                    let reached = self.over_packages(origin, reach).into_iter();
                    found.extend(reached.map(|way| {
                        let steps = [Step::Manifest(effect.what.clone())].into_iter().chain(way.steps).collect();
                        Way { crates: effect.crates.clone(), ..Way::said(way.job, way.scope, steps) }
                    }));
                }
            }
        }
        // A change of a driver's own folder always runs its job, whatever the change.
        if let Some((_, package)) = member {
            let jobs = self.table.jobs.iter().enumerate();
            let own = jobs.filter(|(_, job)| job.brought_by.as_ref() == Some(&package.name));
            found.extend(own.map(|(job, _)| Way::said(job, Scope::Own, vec![Step::Package(package.name.clone())])));
        }
        Some(found)
    }

    fn every(&self, step: &Step) -> Vec<Way> {
        (0..self.table.jobs.len()).map(|job| Way::said(job, Scope::Own, vec![step.clone()])).collect()
    }

    /// Whether a change of `origin` that came this way is the job's own. A job that covers several packages counts each
    /// of them as its own, and so a crate from elsewhere that no other member stands in between.
    pub(super) fn is_own(&self, job: &Job, origin: PackageIndex, way: &[PackageIndex]) -> bool {
        let package = |index: &PackageIndex| &self.workspace.packages[*index];
        let covered = |index: &PackageIndex| job.packages.contains(&package(index).name);
        covered(&origin)
            || (package(&origin).directory.is_none()
                && way.iter().all(|index| !package(index).member || covered(index)))
    }
}

fn below_any(name: &RepoPath, compared: &Compared) -> bool {
    compared.gone.iter().any(|folder| !folder.is_empty() && name.below(folder.as_bytes()).is_some())
}
