//! Tiny programs in the shell's language, hosted as drivers are, and a case to play on them.

use std::{fs, io, os::unix::fs::PermissionsExt, time::Duration};

use ashlar_common::{
    driver::{AccessMode, Capabilities, ConnectionInfo},
    ids::PoolName,
};
use ashlar_conformance::{
    behaviour::{Behaviour, Group},
    cases::{Case, Run},
    claims::{Claims, Need},
    outcome::{Held, Outcome},
    program::{Patience, ProgramHost},
    stage::Stage,
    subject::{Disk, Host, Site, Subject},
    suite,
};
use async_trait::async_trait;
use tempfile::TempDir;

/// What a well-behaved program says first.
pub(crate) const HELLO: &str = r#"{"schema":1,"driver":{"name":"tiny","version":"1","vendor_name":"Tests","storage_protocol":"none"},"capabilities":{"multi_attach":false,"online_extend":false,"revert":true},"max_calls":8}"#;

/// Answers each request with what `$answer` makes of its `$id`.
pub(crate) const LOOP: &str =
    r#"while read -r line; do id=${line##*\"id\":}; id=${id%%,*}; id=${id%%\}*}; answer; done"#;

/// What a test plays is no behaviour of the contract.
pub(crate) const CASE: Behaviour =
    Behaviour { number: 1, group: Group::LifeCycle, name: "case_of_a_test", clauses: &[], need: Need::Core };

/// A program that is a shell script, in a folder of its own.
pub(crate) struct Script {
    folder: TempDir,
    host: ProgramHost,
}

impl Script {
    /// The hello, then this.
    pub(crate) fn after_hello(text: &str) -> Self {
        Self::new(&format!("printf '%s\\n' '{HELLO}'\n{text}"))
    }

    /// The hello, then a line for each request, with `$id` in it.
    pub(crate) fn answering(line: &str) -> Self {
        Self::after_hello(&format!("answer() {{ printf '%s\\n' \"{}\"; }}\n{LOOP}", line.replace('"', "\\\"")))
    }

    /// The hello, then for each call its answer; `null` for calls that are not named.
    pub(crate) fn replying(answers: &[(&str, &str)]) -> Self {
        let arm = |(call, answer): &(&str, &str)| format!("*'\"call\":\"{call}\"'*) a='{answer}';;");
        let arms: String = answers.iter().map(arm).collect();
        let answer = format!(
            "case \"$line\" in {arms} *) a=null;; esac; printf '{{\"id\":%s,\"answer\":%s}}\\n' \"$id\" \"$a\""
        );
        Self::after_hello(&format!("answer() {{ {answer}; }}\n{LOOP}"))
    }

    pub(crate) fn new(text: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let executable = folder.path().join("program");
        fs::write(&executable, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).expect("changed");
        let patience = Patience { open: Duration::from_secs(2), grace: Duration::from_millis(300) };
        let config = folder.path().join("none.toml");
        let host = ProgramHost { executable, config, backend: "tiny".parse().expect("a name"), patience };
        Self { folder, host }
    }

    pub(crate) fn host(&self) -> ProgramHost {
        self.host.clone()
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What the suite makes of it in this case.
    pub(crate) fn play(&self, case: fn(&Stage) -> Run<'_>) -> Outcome {
        self.play_with(case, Need::Core)
    }

    /// The same for a case of a capability.
    pub(crate) fn play_with(&self, run: fn(&Stage) -> Run<'_>, need: Need) -> Outcome {
        let behaviour = Behaviour { need, ..CASE };
        let subject: std::sync::Arc<dyn Subject> = std::sync::Arc::new(Hosted(self.host()));
        suite::run(&subject, Case { behaviour, run }).outcome
    }

    /// It fails the case, in these words.
    pub(crate) fn fails(&self, case: fn(&Stage) -> Run<'_>, words: &str) {
        let outcome = self.play(case);
        assert!(matches!(&outcome, Outcome::Failed(why) if why.contains(words)), "{words:?} is not in {outcome:?}");
    }
}

struct Hosted(ProgramHost);

#[async_trait]
impl Subject for Hosted {
    fn name(&self) -> String {
        "script".to_owned()
    }

    fn claims(&self) -> Claims {
        let capabilities = Capabilities { revert: true, ..Capabilities::default() };
        Claims { capabilities, ..Claims::default() }
    }

    async fn raise(&self) -> Held<Box<dyn Site>> {
        Ok(Box::new(Hosted(self.0.clone())))
    }
}

#[async_trait]
impl Site for Hosted {
    fn pool(&self) -> PoolName {
        "pool".parse().expect("a name")
    }

    fn room(&self) -> u64 {
        1 << 20
    }

    async fn start(&self) -> Held<Host> {
        self.0.start().await
    }

    async fn connect(&self, _: &ConnectionInfo, _: AccessMode) -> io::Result<Box<dyn Disk>> {
        Err(io::ErrorKind::NotFound.into())
    }

    async fn exports(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn residue(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}
