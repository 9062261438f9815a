//! What is written into `nvmet/`, in its order. Each step may be repeated.

use crate::{configfs::Node, error::Error, export::Export};

/// The one namespace of each subsystem.
pub(super) const NAMESPACE: &str = "1";
/// The longest serial number that NVMe has room for.
const SERIAL: usize = 20;

/// One step, by the names that lead there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Make(Vec<String>),
    Set(Vec<String>, &'static str, String),
    Link(Vec<String>, String, Vec<String>),
    Unlink(Vec<String>, String),
    Remove(Vec<String>),
}

impl Step {
    /// Takes it; whether it changed anything.
    pub(super) fn take(&self, root: &Node) -> Result<bool, Error> {
        let node = |names: &[String]| root.below(&names.iter().map(String::as_str).collect::<Vec<_>>());
        match self {
            Self::Make(at) => node(at)?.make(),
            Self::Set(at, attribute, value) => node(at)?.set(attribute, value),
            Self::Link(at, name, to) => node(at)?.link(name, &node(to)?),
            Self::Unlink(at, name) => node(at)?.unlink(name),
            Self::Remove(at) => node(at)?.remove(),
        }
    }
}

fn at(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The ports come last: until then nobody can connect to what is half made.
pub(super) fn ensure(export: &Export, nqn: &str, ports: &[String]) -> Result<Vec<Step>, Error> {
    let device = export.device.to_str().filter(|path| path.starts_with('/') && !path.contains('\n'));
    let device = device.ok_or_else(|| Error::BadName {
        what: "the device of an export",
        text: export.device.display().to_string(),
        rule: "it is an absolute path",
    })?;
    let (subsystem, client) = (at(&["subsystems", nqn]), export.client.to_string());
    let namespace = at(&["subsystems", nqn, "namespaces", NAMESPACE]);
    let serial = export.name.to_string().chars().filter(|c| *c != '-').take(SERIAL).collect();
    let mut steps = vec![
        Step::Make(subsystem.clone()),
        Step::Set(subsystem.clone(), "attr_allow_any_host", "0".to_owned()),
        Step::Set(subsystem.clone(), "attr_serial", serial),
        Step::Make(namespace.clone()),
        Step::Set(namespace.clone(), "device_path", device.to_owned()),
        Step::Set(namespace.clone(), "device_uuid", export.volume.to_string()),
        Step::Set(namespace, "enable", "1".to_owned()),
        Step::Make(at(&["hosts", &client])),
        Step::Link(at(&["subsystems", nqn, "allowed_hosts"]), client.clone(), at(&["hosts", &client])),
    ];
    steps.extend(
        ports.iter().map(|port| Step::Link(at(&["ports", port, "subsystems"]), nqn.to_owned(), subsystem.clone())),
    );
    Ok(steps)
}

/// Taking it from the ports ends its connections; the rest follows.
pub(super) fn withdraw(nqn: &str, ports: &[String], clients: &[String], there: bool) -> Vec<Step> {
    let mut steps: Vec<_> =
        ports.iter().map(|port| Step::Unlink(at(&["ports", port, "subsystems"]), nqn.to_owned())).collect();
    let hosts = at(&["subsystems", nqn, "allowed_hosts"]);
    steps.extend(clients.iter().map(|client| Step::Unlink(hosts.clone(), client.clone())));
    if there {
        // The kernel disables a namespace with its removal.
        steps.push(Step::Remove(at(&["subsystems", nqn, "namespaces", NAMESPACE])));
        steps.push(Step::Remove(at(&["subsystems", nqn])));
    }
    steps
}

#[cfg(test)]
mod tests {
    use ashlar_common::{driver::AccessMode, ids::VolumeId};

    use super::{ensure, withdraw};
    use crate::export::{Export, ExportName};

    fn text<T: std::fmt::Debug>(steps: &[T]) -> Vec<String> {
        steps.iter().map(|step| format!("{step:?}").replace('"', "")).collect()
    }

    #[test]
    fn nobody_can_connect_before_all_is_there() {
        let export = Export {
            name: ExportName("6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a".parse().expect("an id")),
            volume: "0f3f6a52-5a0f-4a3b-8b1f-2f6d3c1c9f10".parse::<VolumeId>().expect("an id"),
            device: "/dev/mapper/a".into(),
            mode: AccessMode::ReadWrite,
            client: "nqn.2026-11.org.example:c".parse().expect("a name"),
            credentials: None,
            discard: true,
        };
        let steps = ensure(&export, "nqn.x", &["45000".to_owned()]).expect("a plan");
        assert_eq!(
            text(&steps),
            [
                "Make([subsystems, nqn.x])",
                "Set([subsystems, nqn.x], attr_allow_any_host, 0)",
                "Set([subsystems, nqn.x], attr_serial, 6d9c2b0e7d0f4c589a0e)",
                "Make([subsystems, nqn.x, namespaces, 1])",
                "Set([subsystems, nqn.x, namespaces, 1], device_path, /dev/mapper/a)",
                "Set([subsystems, nqn.x, namespaces, 1], device_uuid, 0f3f6a52-5a0f-4a3b-8b1f-2f6d3c1c9f10)",
                "Set([subsystems, nqn.x, namespaces, 1], enable, 1)",
                "Make([hosts, nqn.2026-11.org.example:c])",
                "Link([subsystems, nqn.x, allowed_hosts], nqn.2026-11.org.example:c, [hosts, nqn.2026-11.org.example:c])",
                "Link([ports, 45000, subsystems], nqn.x, [subsystems, nqn.x])",
            ]
        );
    }

    #[test]
    fn connections_end_before_anything_else() {
        let steps = withdraw("nqn.x", &["1".to_owned()], &["nqn.c".to_owned()], true);
        assert_eq!(
            text(&steps),
            [
                "Unlink([ports, 1, subsystems], nqn.x)",
                "Unlink([subsystems, nqn.x, allowed_hosts], nqn.c)",
                "Remove([subsystems, nqn.x, namespaces, 1])",
                "Remove([subsystems, nqn.x])",
            ]
        );
    }
}
