//! What `up` prints once the service is ready: where things are, and what to try.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::place::Place;

const HEAD: Style = Style::new().bold();
const TYPED: Style = AnsiColor::Cyan.on_default();
const SAID: Style = Style::new().dimmed();

/// What the page speaks of.
pub struct Page<'a> {
    /// Where everything is.
    pub place: &'a Place,
    /// The API's address with its project.
    pub endpoint: &'a str,
    /// The service's process.
    pub pid: u32,
    /// How long it took to be ready.
    pub seconds: f64,
}

/// The page, with styles.
#[must_use]
pub fn page(page: &Page<'_>) -> String {
    let mut out = String::new();
    let mut say = |style: Style, text: &str| {
        let _ = writeln!(out, "{style}{text}{style:#}");
    };
    say(
        HEAD,
        &format!("\nAshlar serves at {} (ready after {:.2} s, process {})\n", page.endpoint, page.seconds, page.pid),
    );
    let place = page.place;
    let rows = [
        ("state", place.service()),
        ("volumes", place.volumes()),
        ("images", place.images()),
        ("configuration", place.config()),
        ("log", place.log()),
    ];
    for (name, path) in rows {
        say(Style::new(), &format!("  {name:<14} {}", path.display()));
    }
    say(HEAD, "\nIn another terminal");
    say(SAID, "  # the OpenStack clients, where you do not have them yet");
    say(TYPED, "  python3 -m venv /tmp/openstack && . /tmp/openstack/bin/activate");
    say(TYPED, "  pip install python-openstackclient python-cinderclient");
    say(TYPED, &format!("  . {}", page.place.openrc().display()));
    say(SAID, "\n  # a volume, its snapshot, a volume from that");
    for line in [
        "openstack volume create --size 1 first",
        "openstack volume snapshot create --volume first monday",
        "openstack volume create --snapshot monday second",
        "openstack volume list",
        "cinder extend second 2",
        "cinder get-pools --detail",
    ] {
        say(TYPED, &format!("  {line}"));
    }
    say(SAID, "\n  # or with nothing but curl");
    say(TYPED, &format!("  curl -s -H 'X-Auth-Token: admin:demo' {}/volumes/detail", page.endpoint));
    say(
        TYPED,
        &format!(
            "  curl -s -H 'X-Auth-Token: admin:demo' -H 'Content-Type: application/json' \\\n    \
         -d '{{\"volume\": {{\"name\": \"third\", \"size\": 1}}}}' {}/volumes",
            page.endpoint
        ),
    );
    say(HEAD, "\nCtrl-C stops it; volumes stay. `cargo xtask up` brings it back, `--clean` begins anew.\n");
    out
}
