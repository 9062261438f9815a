//! What is asked of the service.

use std::{thread, time::Duration};

use anyhow::{Context, Result, bail};
use ashlar_common::{
    driver::{ConnectionInfo, Connector, OpCtx},
    ids::VolumeId,
};
use serde_json::{Value, json};

/// Attachments with modes came before this.
const VERSION: &str = "volume 3.59";
/// Nobody in particular: there is no authentication.
const USER: &str = "admin";
/// An attachment's export is asked for again after this.
const STEP: Duration = Duration::from_millis(200);

/// The service, as one project sees it.
pub(super) struct Api {
    agent: ureq::Agent,
    endpoint: String,
    project: String,
}

/// The service answered, and will not.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: u16,
    message: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the service refuses: {} ({})", self.message, self.status)
    }
}

impl std::error::Error for Refused {}

/// An attachment as the service has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attachment {
    pub(super) id: String,
    pub(super) status: String,
    /// `None` while it is not exported.
    pub(super) connection: Option<ConnectionInfo>,
}

impl Attachment {
    /// Whether a client may connect by it: it is exported, and nobody is ending it.
    pub(super) fn is_usable(&self) -> bool {
        self.connection.is_some() && ["attaching", "attached"].contains(&self.status.as_str())
    }
}

/// A volume as the service has it.
pub(super) struct Volume {
    pub(super) id: VolumeId,
    pub(super) name: String,
}

impl Api {
    pub(super) fn new(endpoint: String, project: String, limit: Duration) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(limit));
        Self { agent: config.build().new_agent(), endpoint, project }
    }

    /// The volume of this id, else the one of this name.
    pub(super) fn volume(&self, named: &str) -> Result<Volume> {
        if named.parse::<VolumeId>().is_ok() {
            match self.ask("GET", &format!("/volumes/{named}"), None) {
                Ok(found) => return volume(&found["volume"]),
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let query: String = named.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let found = self.ask("GET", &format!("/volumes?name={query}"), None)?;
        let found = found["volumes"].as_array().map(Vec::as_slice).unwrap_or_default();
        match found {
            [one] => volume(one),
            [] => bail!("project {} has no volume {named:?}: see `openstack volume list`", self.project),
            several => {
                let ids: Vec<_> = several.iter().filter_map(|volume| volume["id"].as_str()).collect();
                bail!("{} volumes are named {named:?}: say which by its id: {}", several.len(), ids.join(", "))
            }
        }
    }

    /// Makes an attachment for this host; `claim` is its mark, by which [`Api::claimed`] finds it when no answer came.
    pub(super) fn attach(&self, volume: VolumeId, claim: &str, read_only: bool, connector: &Connector) -> Result<()> {
        let mode = if read_only { "ro" } else { "rw" };
        let body = json!({ "attachment": {
            "volume_uuid": volume.to_string(), "instance_uuid": claim, "mode": mode, "connector": connector,
        } });
        self.ask("POST", "/attachments", Some(&body)).map(drop)
    }

    /// The attachment with this mark, when the service is done with making it. `None` where there is none.
    pub(super) fn claimed(&self, ctx: &OpCtx, claim: &str) -> Result<Option<Attachment>> {
        loop {
            let found = self.ask("GET", &format!("/attachments/detail?instance_id={claim}"), None)?;
            let Some(found) = found["attachments"].as_array().and_then(|found| found.first()) else { return Ok(None) };
            let attachment = attachment(found)?;
            if attachment.connection.is_some() || attachment.status != "attaching" {
                return Ok(Some(attachment));
            }
            ctx.check().context("the service has not made the export yet: try again")?;
            thread::sleep(STEP);
        }
    }

    /// Says that the volume is in use now.
    pub(super) fn complete(&self, id: &str) -> Result<()> {
        self.ask("POST", &format!("/attachments/{id}/action"), Some(&json!({ "os-complete": {} }))).map(drop)
    }

    /// Ends an attachment. One that is not there has ended; one that is being made or ended is waited for.
    pub(super) fn end(&self, ctx: &OpCtx, id: &str) -> Result<()> {
        let path = format!("/attachments/{id}");
        loop {
            let refused = match self.ask("DELETE", &path, None) {
                Ok(_) => return Ok(()),
                Err(error) if is_missing(&error) => return Ok(()),
                Err(error) if error.is::<Refused>() => error,
                Err(error) => return Err(error),
            };
            match self.ask("GET", &path, None) {
                Ok(shown) => {
                    let status = attachment(&shown["attachment"])?.status;
                    if !["attaching", "detaching"].contains(&status.as_str()) || ctx.check().is_err() {
                        return Err(refused);
                    }
                }
                Err(error) if is_missing(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
            thread::sleep(STEP);
        }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let (endpoint, project) = (&self.endpoint, &self.project);
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{endpoint}/{project}{path}"))
            .header("X-Auth-Token", format!("{USER}:{project}"))
            .header("OpenStack-API-Version", VERSION)
            .header("Content-Type", "application/json")
            .body(body.map(|body| body.to_string().into_bytes()).unwrap_or_default())?;
        let no_answer = || format!("no answer from {endpoint}: does the service run there? --endpoint says where");
        let mut response = self.agent.run(request).with_context(no_answer)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().with_context(no_answer)?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        // The body is one fault, whose key is its kind.
        let message = answer.as_object().and_then(|faults| faults.values().next()).map(|fault| &fault["message"]);
        let message = message.and_then(Value::as_str).unwrap_or("without a word").to_owned();
        Err(Refused { status, message }.into())
    }
}

/// Whether what was asked for is not there.
fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 404)
}

fn volume(shown: &Value) -> Result<Volume> {
    let id = shown["id"].as_str().and_then(|id| id.parse().ok()).context("the service's answer has no volume")?;
    Ok(Volume { id, name: shown["name"].as_str().unwrap_or_default().to_owned() })
}

/// `connection_info` is flat here: the protocol is among its data.
fn attachment(shown: &Value) -> Result<Attachment> {
    let text = |key: &str| shown[key].as_str().map(str::to_owned);
    let id = text("id").context("the service's answer has no attachment")?;
    let mut data = shown["connection_info"].as_object().cloned().unwrap_or_default();
    let protocol = data.remove("driver_volume_type").and_then(|protocol| protocol.as_str().map(str::to_owned));
    let connection = protocol.map(|driver_volume_type| ConnectionInfo { driver_volume_type, data });
    Ok(Attachment { id, status: text("status").unwrap_or_default(), connection })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::attachment;

    #[test]
    fn the_protocol_is_taken_from_the_data() {
        let shown = json!({ "id": "a", "status": "attaching", "connection_info": {
            "driver_volume_type": "local", "device_path": "/dev/x",
        } });
        let found = attachment(&shown).expect("an attachment");
        let connection = found.connection.expect("a connection");
        assert_eq!(connection.driver_volume_type, "local");
        assert_eq!(connection.data.keys().collect::<Vec<_>>(), ["device_path"]);
        let bare = attachment(&json!({ "id": "a", "status": "reserved", "connection_info": {} }));
        assert_eq!(bare.expect("an attachment").connection, None);
    }
}
