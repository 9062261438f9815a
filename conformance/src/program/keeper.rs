//! Keeps the process of a program: reads what it prints, writes what it is asked, and sees to its end.

use std::{collections::VecDeque, process::ExitStatus, sync::Arc, time::Duration};

use ashlar_common::{
    exec::Conversation,
    host::calls::{ANSWER_BYTES, LineBuffer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, ChildStdout},
    sync::mpsc,
};

use super::link::Link;

/// From the end of its output to that of the process.
const LAST_STEPS: Duration = Duration::from_secs(2);

/// Lines of a program's standard output.
pub(super) struct Lines {
    stdout: ChildStdout,
    buffer: LineBuffer,
    come: VecDeque<Vec<u8>>,
    /// What is to be told when all lines that came before are taken.
    wrong: Option<String>,
    chunk: Vec<u8>,
}

impl Lines {
    pub(super) fn of(stdout: ChildStdout) -> Self {
        Self {
            stdout,
            buffer: LineBuffer::new(ANSWER_BYTES),
            come: VecDeque::new(),
            wrong: None,
            chunk: vec![0; 64 * 1024],
        }
    }

    /// The next line; none at the end. May be dropped and called again.
    ///
    /// # Errors
    /// What the program did wrong.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            if let Some(line) = self.come.pop_front() {
                return Ok(Some(line));
            }
            if let Some(wrong) = &self.wrong {
                return Err(wrong.clone());
            }
            let read = self.stdout.read(&mut self.chunk).await.unwrap_or(0);
            if read == 0 {
                return match self.buffer.rest() {
                    [] => Ok(None),
                    rest => Err(format!("the program ended in the middle of a line of {} bytes", rest.len())),
                };
            }
            let (lines, long) = self.buffer.push(&self.chunk[..read]);
            self.come.extend(lines);
            self.wrong = long.map(|long| format!("the program printed {long}"));
        }
    }
}

/// Runs until the process is dead.
pub(super) async fn keep(link: Arc<Link>, mut process: Conversation, mut lines: Lines) {
    loop {
        let line = tokio::select! {
            biased;
            () = link.kill.cancelled() => break,
            line = lines.next() => line,
        };
        match line {
            Ok(Some(line)) => link.take(&line),
            Ok(None) => {
                link.fail(match tokio::time::timeout(LAST_STEPS, process.ended()).await {
                    Ok(ended) => format!("the program ended by itself {}", how(ended, &process)),
                    Err(_late) => "the program closed its standard output and did not end".to_owned(),
                });
            }
            Err(what) => link.fail(what),
        }
    }
    let _unknown = process.kill().await;
    link.dead.cancel();
}

/// Writes requests as they come, until the program does not want more or nobody asks.
pub(super) async fn write(mut stdin: ChildStdin, mut requests: mpsc::Receiver<Vec<u8>>) {
    while let Some(request) = requests.recv().await {
        if stdin.write_all(&request).await.is_err() {
            return;
        }
    }
}

/// How a process ended, and its last words.
pub(super) fn how(ended: std::io::Result<ExitStatus>, process: &Conversation) -> String {
    let status = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
    match process.stderr() {
        said if said.is_empty() => format!("({status})"),
        said => format!("({status}): {said}"),
    }
}
