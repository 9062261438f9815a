//! The suite on the in-memory driver, which passes all of it: thin, thick, and without any capability.

use std::process::ExitCode;

use ashlar_common::stats::Provisioning;
use ashlar_conformance::{
    memory::{MemorySubject, Settings},
    subject::Subject,
    suite,
};

fn main() -> ExitCode {
    let plain = Settings { capable: false, ..Settings::new(Provisioning::Thin) };
    let subjects = [
        ("memory-thin", Settings::new(Provisioning::Thin)),
        ("memory-thick", Settings::new(Provisioning::Thick)),
        ("memory-plain", plain),
    ];
    let subject = |(name, settings)| Box::new(MemorySubject::new(name, settings)) as Box<dyn Subject>;
    suite::main(subjects.into_iter().map(subject).collect())
}
