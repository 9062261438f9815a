//! What a driver's `attach` told, checked: parts of it become arguments and file names.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use serde_json::Value;

use crate::{
    connector::{connectors::is_read_only, error::Error},
    driver::ConnectionInfo,
};

/// The longest iSCSI name (RFC 7143, section 4.2.7.1).
const NAME_BYTES: usize = 223;
/// open-iscsi's `AUTH_STR_MAX_LEN`.
const SECRET_BYTES: usize = 255;

/// One way to the volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) iqn: String,
    pub(super) portal: SocketAddr,
    /// As Linux numbers it.
    pub(super) lun: u64,
}

/// Name and secret for a target that asks for them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Chap {
    pub(super) username: String,
    pub(super) password: String,
}

impl fmt::Debug for Chap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chap").field("username", &self.username).finish_non_exhaustive()
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Told {
    /// Never empty.
    pub(super) routes: Vec<Route>,
    pub(super) chap: Option<Chap>,
    /// The unit's serial (vital product data, page 0x80), where the driver knows it: `unit_serial`.
    pub(super) serial: Option<String>,
    pub(super) read_only: bool,
}

impl Told {
    pub(super) fn of(info: &ConnectionInfo) -> Result<Self, Error> {
        let text = |key: &'static str| match info.data.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Error::told(key, "is not a text")),
        };
        let chap = match text("auth_method")?.as_deref() {
            None | Some("" | "None") => None,
            Some("CHAP") => Some(Chap {
                username: secret("auth_username", text("auth_username")?)?,
                password: secret("auth_password", text("auth_password")?)?,
            }),
            Some(other) => return Err(Error::Way { what: format!("auth_method {other:?}, only CHAP") }),
        };
        Ok(Self { routes: routes(info)?, chap, serial: text("unit_serial")?, read_only: is_read_only(info) })
    }

    pub(super) fn first(&self) -> &Route {
        &self.routes[0]
    }

    /// The targets, each once.
    pub(super) fn targets(&self) -> BTreeSet<&str> {
        self.routes.iter().map(|route| route.iqn.as_str()).collect()
    }
}

/// os-brick's singular keys, then the pairs of its plural ones, each way once.
fn routes(info: &ConnectionInfo) -> Result<Vec<Route>, Error> {
    let one = |key| info.data.get(key).filter(|value| !value.is_null());
    let many = |key| one(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut ways: Vec<(Option<&Value>, Option<&Value>, Option<&Value>)> = Vec::new();
    if let Some(portal) = one("target_portal") {
        ways.push((Some(portal), one("target_iqn"), one("target_lun")));
    }
    for (index, portal) in many("target_portals").iter().enumerate() {
        let iqn = many("target_iqns").get(index).or_else(|| one("target_iqn"));
        ways.push((Some(portal), iqn, many("target_luns").get(index).or_else(|| one("target_lun"))));
    }
    let addressing = one("addressing_mode").and_then(Value::as_str);
    let mut routes: Vec<Route> = Vec::new();
    for (portal, iqn, lun) in ways {
        let portal = portal.and_then(Value::as_str).and_then(address);
        let portal = portal.ok_or_else(|| Error::told("target_portal", "is not an IP address and port"))?;
        let iqn = iqn.and_then(Value::as_str).filter(|name| is_name(name));
        let iqn = iqn.ok_or_else(|| Error::told("target_iqn", "is not an iSCSI name (iqn., eui. or naa.)"))?.to_owned();
        let lun = lun.and_then(|lun| lun.as_u64().or_else(|| lun.as_str()?.parse().ok()));
        let lun = lun.ok_or_else(|| Error::told("target_lun", "is not a number"))?;
        let route = Route { iqn, portal, lun: addressed(lun, addressing)? };
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    if routes.is_empty() { Err(Error::told("target_portal", "is missing")) } else { Ok(routes) }
}

/// `address:port`, also with the group's tag behind it, as iscsiadm prints portals.
fn address(portal: &str) -> Option<SocketAddr> {
    portal.split(',').next()?.parse().ok()
}

/// Whether it can be an argument and a folder's name: no separator, no dots alone, no blank, no dash first.
fn is_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte));
    plain && name.len() <= NAME_BYTES && ["iqn.", "eui.", "naa."].iter().any(|kind| name.starts_with(kind))
}

/// The number by which Linux shows a unit: flat space addressing (SAM-2, 4.9.7) sets bit 14.
fn addressed(lun: u64, mode: Option<&str>) -> Result<u64, Error> {
    match mode {
        None | Some("SAM" | "transparent") => Ok(lun),
        Some("SAM2") => Ok(if lun < 256 { lun } else { lun + 0x4000 }),
        Some("SAM3-flat") => Ok(lun + 0x4000),
        Some(other) => Err(Error::Way { what: format!("addressing_mode {other:?}") }),
    }
}

/// A value for a record's line. What a line cannot hold would become another setting.
fn secret(key: &'static str, value: Option<String>) -> Result<String, Error> {
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| Error::told(key, "is missing"))?;
    if value.len() > SECRET_BYTES || value.chars().any(char::is_control) || value.trim() != value {
        return Err(Error::told(key, "is too long, or has characters that iscsiadm cannot keep"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Told;
    use crate::driver::{ConnectionInfo, Kind};

    fn told(data: Value) -> Result<Told, crate::connector::Error> {
        let data = data.as_object().expect("an object").clone();
        Told::of(&ConnectionInfo { driver_volume_type: "iscsi".to_owned(), data })
    }

    fn ways(data: Value) -> Vec<String> {
        let told = told(data).expect("ways");
        told.routes.iter().map(|route| format!("{} {} {}", route.portal, route.iqn, route.lun)).collect()
    }

    #[test]
    fn one_portal_and_several_are_understood() {
        let one = json!({ "target_portal": "10.0.0.1:3260,1", "target_iqn": "iqn.2026-01.x:a", "target_lun": 1 });
        assert_eq!(ways(one), ["10.0.0.1:3260 iqn.2026-01.x:a 1"]);
        let both = json!({
            "target_portal": "10.0.0.1:3260", "target_iqn": "iqn.2026-01.x:a", "target_lun": 0,
            "target_portals": ["10.0.0.1:3260", "[fd00::1]:3260"], "target_iqns": ["iqn.2026-01.x:a", "iqn.2026-01.x:b"],
            "target_luns": [0, 3],
        });
        assert_eq!(ways(both), ["10.0.0.1:3260 iqn.2026-01.x:a 0", "[fd00::1]:3260 iqn.2026-01.x:b 3"]);
        let flat = json!({
            "target_portal": "10.0.0.1:1", "target_iqn": "eui.0", "target_lun": 300, "addressing_mode": "SAM2",
        });
        assert_eq!(ways(flat), ["10.0.0.1:1 eui.0 16684"]);
    }

    #[test]
    fn what_could_become_an_option_a_path_or_a_line_is_refused() {
        let good = json!({
            "target_portal": "10.0.0.1:3260", "target_iqn": "iqn.2026-01.x:a", "target_lun": 0,
            "auth_method": "CHAP", "auth_username": "u", "auth_password": "secret",
        });
        assert!(told(good.clone()).is_ok());
        for (key, value) in [
            ("target_portal", "--logoutall=all"),
            ("target_portal", "storage:3260"),
            ("target_iqn", "iqn.x/../../cron.d"),
            ("target_iqn", "-x"),
            ("target_iqn", "iqn.a b"),
            ("target_lun", "../0"),
            ("auth_username", "u\nnode.startup = automatic"),
            ("auth_password", "secret\n"),
            ("auth_password", ""),
        ] {
            let mut bad = good.clone();
            bad[key] = json!(value);
            let error = told(bad).expect_err(value);
            assert_eq!(error.kind(), Kind::Invalid, "{value}");
            assert!(error.to_string().contains(key) && !error.to_string().contains("secret"), "{error}");
        }
        let told = told(good).expect("good");
        assert!(!format!("{told:?}").contains("secret"), "{told:?}");
    }
}
