//! Starting a program as a host, and killing it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ashlar_common::{
    driver::Classified,
    exec::{Conversation, Program},
    host::calls::Greeting,
    ids::BackendName,
};
use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{
    driver::ProgramDriver,
    keeper::{self, Lines},
    link::{Link, shown},
    watch,
};
use crate::{
    outcome::{Held, Stop},
    subject::{Host, Life},
};

/// Requests that wait to be written.
const QUEUE: usize = 64;

/// How long a program is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To open its backend and say who it is.
    pub open: Duration,
    /// After a call's limit or its cancellation, to answer it.
    pub grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        // A driver gives its own opening 120 s. "Soon" after a deadline leaves room for one slow system call.
        Self { open: Duration::from_secs(130), grace: Duration::from_secs(10) }
    }
}

/// A program that can be started as a host of a backend, as often as is wanted.
#[derive(Clone, Debug)]
pub struct ProgramHost {
    /// The executable.
    pub executable: PathBuf,
    /// The configuration file.
    pub config: PathBuf,
    /// The section of that file.
    pub backend: BackendName,
    /// How long it is waited for.
    pub patience: Patience,
}

/// Starts `EXECUTABLE calls --config CONFIG --backend BACKEND`, with the usual patience. Call it on the runtime of the
/// case: the process dies with the thread that it was started on.
///
/// # Errors
/// `NotRun` without an executable; a failure where it does not say who it is.
pub async fn start(executable: &Path, config: &Path, backend: &BackendName) -> Held<Host> {
    let patience = Patience::default();
    let program = ProgramHost {
        executable: executable.to_owned(),
        config: config.to_owned(),
        backend: backend.clone(),
        patience,
    };
    program.start().await
}

impl ProgramHost {
    /// Starts it; as [`start`].
    ///
    /// # Errors
    /// As there.
    pub async fn start(&self) -> Held<Host> {
        self.start_linked().await.map(|(host, _)| host)
    }

    /// The same, with the link to ask what clients were told.
    pub(super) async fn start_linked(&self) -> Held<(Host, Arc<Link>)> {
        let mut process = self.process()?;
        let (Some(stdin), Some(stdout)) = (process.take_stdin(), process.take_stdout()) else {
            return Err(Stop::failed("the program was started without pipes"));
        };
        let mut lines = Lines::of(stdout);
        let greeting = self.greeting(&mut process, &mut lines).await?;
        let (requests, queue) = mpsc::channel(QUEUE);
        let link = Link::new(greeting, requests, self.patience.grace);
        watch::started(&link);
        tokio::spawn(keeper::write(stdin, queue));
        tokio::spawn(keeper::keep(Arc::clone(&link), process, lines));
        let driver = Arc::new(ProgramDriver::new(Arc::clone(&link)));
        let life = Box::new(ProcessLife(Arc::clone(&link)));
        Ok((Host { driver, life }, link))
    }

    fn process(&self) -> Held<Conversation> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(|error| Stop::NotRun(error.to_string()));
        let (executable, config) = (absolute(&self.executable)?, absolute(&self.config)?);
        let program = Program::at("the driver executable", executable.clone())
            .map_err(|_missing| Stop::NotRun(format!("there is no executable {}", executable.display())))?;
        let words = ["calls".into(), "--config".into(), config.into_os_string(), "--backend".into()];
        let run = program.run(words).arg(self.backend.as_str()).dies_with_host();
        run.converse().map_err(|error| {
            let kind = error.kind();
            Stop::NotRun(format!("cannot start {}: {kind}: {error}", executable.display()))
        })
    }

    async fn greeting(&self, process: &mut Conversation, lines: &mut Lines) -> Held<Greeting> {
        let name = self.executable.display();
        let wrong = match tokio::time::timeout(self.patience.open, lines.next()).await {
            Err(_late) => format!("{name} did not say who it is within {:.1} s", self.patience.open.as_secs_f64()),
            Ok(Ok(Some(line))) => match Greeting::read(&line) {
                Ok(greeting) => return Ok(greeting),
                Err(why) => format!("the first line of {name} does not say who it is ({why}): {}", shown(&line)),
            },
            Ok(Ok(None)) => {
                let ended = tokio::time::timeout(self.patience.grace, process.ended()).await;
                match ended {
                    Ok(ended) => format!("{name} ended before it said who it is {}", keeper::how(ended, process)),
                    Err(_late) => format!("{name} closed its output before it said who it is, and did not end"),
                }
            }
            Ok(Err(why)) => format!("{name}: {why}"),
        };
        let _unknown = process.kill().await;
        Err(Stop::Failed(wrong))
    }
}

/// The life of a process.
struct ProcessLife(Arc<Link>);

#[async_trait]
impl Life for ProcessLife {
    async fn kill(&self) {
        self.0.kill();
        self.0.dead.cancelled().await;
    }
}

impl Drop for ProcessLife {
    fn drop(&mut self) {
        self.0.kill();
    }
}
