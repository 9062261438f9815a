//! Their command lines.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use ashlar_common::driver::OpCtx;
use ashlar_common::ids::OpId;
use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

/// As the service listens by itself.
const DEFAULT: &str = "http://127.0.0.1:8776";
/// The project of who names none, as the service has it.
const PROJECT: &str = "admin";
/// Where root's attachments are remembered.
const ROOTS: &str = "/var/lib/ashlar/attached";

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people; of attach, the path alone
    #[default]
    Text,
    /// For programs
    Json,
}

/// Where the service is, and who asks.
#[derive(Args, Clone, Debug)]
pub(super) struct Service {
    /// The service's address, as http://10.0.0.1:8776; may end with /v3 and a project [default: $OS_ENDPOINT, or this machine]
    #[arg(long, value_name = "URL", env = "CINDER_ENDPOINT")]
    endpoint: Option<String>,
    /// As `openstack` has it without authentication.
    #[arg(long, hide = true, env = "OS_ENDPOINT")]
    os_endpoint: Option<String>,
    /// The project that the volume belongs to [default: that of the address, or admin]
    #[arg(long, env = "CINDER_PROJECT_ID")]
    project: Option<String>,
}

impl Service {
    /// The address with `/v3`, and the project.
    ///
    /// # Errors
    /// An address that cannot be one.
    pub(super) fn place(&self) -> Result<(String, String)> {
        let given = self.endpoint.as_deref().or(self.os_endpoint.as_deref()).unwrap_or(DEFAULT);
        let Some(rest) = given.strip_prefix("http://") else {
            bail!("--endpoint {given:?} does not begin with http://: this program speaks plain HTTP alone");
        };
        let mut parts = rest.trim_end_matches('/').splitn(2, "/v3");
        let host = parts.next().unwrap_or_default();
        let of_url = parts.next().map(|project| project.trim_matches('/')).filter(|project| !project.is_empty());
        if host.is_empty() || host.contains('/') {
            bail!("--endpoint {given:?} is not like http://10.0.0.1:8776/v3");
        }
        let project = self.project.as_deref().or(of_url).unwrap_or(PROJECT);
        if !project.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte)) {
            bail!("--project {project:?} cannot be a project's id");
        }
        Ok((format!("http://{host}/v3"), project.to_owned()))
    }
}

/// Where this host's attachments are remembered, and how long a call may take.
#[derive(Args, Clone, Debug)]
pub(super) struct Local {
    /// The folder that remembers what is attached here [default: /var/lib/ashlar/attached for root, else
    /// ashlar/attached in $XDG_STATE_HOME]
    #[arg(long, value_name = "FOLDER", env = "ASHLAR_ATTACHED")]
    state: Option<PathBuf>,
    #[arg(long, hide = true, env = "XDG_STATE_HOME")]
    xdg_state_home: Option<PathBuf>,
    #[arg(long, hide = true, env = "HOME")]
    home: Option<PathBuf>,
}

impl Local {
    /// # Errors
    /// There is no place for it.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        if let Some(state) = &self.state {
            return std::path::absolute(state).with_context(|| format!("--state {state:?}"));
        }
        if rustix::process::geteuid().is_root() {
            return Ok(ROOTS.into());
        }
        let of_home = self.home.as_ref().map(|home| home.join(".local/state"));
        let base = self.xdg_state_home.clone().or(of_home).filter(|base| base.is_absolute());
        Ok(base.context("there is no home to remember attachments in: say where with --state")?.join("ashlar/attached"))
    }
}

/// How long a command may take.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How many seconds it may take; what is half done then is finished by the next call
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

impl Patience {
    pub(super) fn limit(self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    pub(super) fn ctx(self) -> OpCtx {
        OpCtx::new(OpId::new(), self.limit(), CancellationToken::new())
    }
}

/// `ashlar attach`.
#[derive(Args, Debug)]
pub struct AttachOptions {
    /// The volume's id or name
    pub(super) volume: String,
    /// For reading only
    #[arg(long)]
    pub(super) read_only: bool,
    /// How the device is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) service: Service,
    #[command(flatten)]
    pub(super) local: Local,
    #[command(flatten)]
    pub(super) patience: Patience,
}

/// `ashlar detach`.
#[derive(Args, Debug)]
pub struct DetachOptions {
    /// The volume's id or name
    pub(super) volume: String,
    /// Also what is in use or cannot be flushed: what was not written yet is lost
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) service: Service,
    #[command(flatten)]
    pub(super) local: Local,
    #[command(flatten)]
    pub(super) patience: Patience,
}

/// `ashlar attached`.
#[derive(Args, Debug)]
pub struct AttachedOptions {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) local: Local,
}

#[cfg(test)]
mod tests {
    use super::Service;

    fn place(endpoint: Option<&str>, os_endpoint: Option<&str>, project: Option<&str>) -> Option<(String, String)> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let service = Service { endpoint: owned(endpoint), os_endpoint: owned(os_endpoint), project: owned(project) };
        service.place().ok()
    }

    #[test]
    fn addresses_are_understood_as_other_clients_have_them() {
        let at = |host: &str, project: &str| Some((format!("http://{host}/v3"), project.to_owned()));
        assert_eq!(place(None, None, None), at("127.0.0.1:8776", "admin"));
        for url in ["http://a:1", "http://a:1/", "http://a:1/v3", "http://a:1/v3/"] {
            assert_eq!(place(Some(url), None, Some("demo")), at("a:1", "demo"), "{url}");
        }
        assert_eq!(place(Some("http://a:1/v3/demo"), Some("http://b:1"), None), at("a:1", "demo"));
        assert_eq!(place(None, Some("http://b:1/v3/other/"), None), at("b:1", "other"));
        for url in ["a:1", "https://a:1", "http:///v3", "http://a:1/x/v3"] {
            assert_eq!(place(Some(url), None, None), None, "{url}");
        }
        assert_eq!(place(None, None, Some("../x")), None);
    }
}
