//! The suite on a driver that is given by the path of its executable. `cargo xtask compliance --executable` sets the
//! variables; without them nothing is asked for, and there are no cases.

use std::{env, ffi::OsString, fs, io::Write, path::PathBuf, process::ExitCode};

use ashlar_conformance::{
    claims::Claims,
    program::{Patience, ProgramHost, ProgramSubject},
    subject::Subject,
    suite,
};

/// The executable.
const EXECUTABLE: &str = "ASHLAR_CONFORMANCE_EXECUTABLE";
/// Its configuration file.
const CONFIG: &str = "ASHLAR_CONFORMANCE_CONFIG";
/// The backend, a section of that file.
const BACKEND: &str = "ASHLAR_CONFORMANCE_BACKEND";
/// A JSON file with what the driver is said to be able to do; may be left out.
const CLAIMS: &str = "ASHLAR_CONFORMANCE_CLAIMS";

fn main() -> ExitCode {
    match subjects() {
        Ok(subjects) => suite::main(subjects),
        Err(why) => {
            let _nobody_listens = writeln!(std::io::stderr(), "error: {why}");
            ExitCode::from(2)
        }
    }
}

fn subjects() -> Result<Vec<Box<dyn Subject>>, String> {
    let Some(executable) = variable(EXECUTABLE) else { return Ok(Vec::new()) };
    let needed = |name: &str| variable(name).ok_or_else(|| format!("{EXECUTABLE} is set, and {name} is not"));
    let backend =
        needed(BACKEND)?.into_string().map_err(|name| format!("{BACKEND}: {} is no UTF-8", name.display()))?;
    let host = ProgramHost {
        executable: executable.into(),
        config: needed(CONFIG)?.into(),
        backend: backend.parse().map_err(|error| format!("{BACKEND}: {error}"))?,
        patience: Patience::default(),
    };
    let claims = variable(CLAIMS).map(|file| claims(&PathBuf::from(file))).transpose()?;
    let folder = PathBuf::from(needed(suite::REPORT_VARIABLE)?);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(vec![Box::new(ProgramSubject::new(host, folder, claims))])
}

fn claims(file: &std::path::Path) -> Result<Claims, String> {
    let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}

#[expect(clippy::disallowed_methods, reason = "the main of a test program, whose harness takes no further options")]
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}
