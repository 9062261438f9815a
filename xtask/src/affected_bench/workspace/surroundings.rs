//! What lies around the packages: jobs, settings of cargo and nextest, prose.

use super::design::{Design, Reading};
use crate::affected_bench::tree::Tree;

const JOBS: &str = "\
[[package-job]]
packages = \"driver-*\"
name = \"driver-{}\"

[[job]]
name = \"common\"
packages = [\"common\", \"macros\"]

[[job]]
name = \"service\"
packages = [\"service\"]
filter = \"package(=service) - test(/^manual::/)\"

# Not cargo's tests alone: a script decides.
[[job]]
name = \"tool\"
packages = [\"tool\"]
command = \"sh ci/tool.sh\"

[[rule]]
paths = [\"README.md\", \"LICENSE\", \"docs/**\", \"ci/README.md\"]
jobs = \"none\"
why = \"prose\"

[[rule]]
paths = [\".gitignore\", \"rustfmt.toml\", \"clippy.toml\"]
jobs = \"none\"
why = \"read by the lint step, which always runs\"

[[rule]]
paths = [\"rust-toolchain\", \"rust-toolchain.toml\", \".cargo/**\", \".config/**\"]
jobs = \"all\"
why = \"governs every build\"

[[rule]]
paths = [\"ci/tool.*\"]
jobs = [\"tool\"]
why = \"the job's own script\"

[[rule]]
paths = [\"ci/jobs.toml\", \".github/**\"]
jobs = \"all\"
why = \"governs every job\"
";
const TOOL_SCRIPT: &str = "\
#!/bin/sh
# In the tool's folder, so that cargo reads the settings there.
set -eu
limit=$(cat ci/tool.limit)
test \"$limit\" -lt 100
cd tool
cargo test --quiet --offline
";
const CONFIG: &str = "\
[source.crates-io]
replace-with = \"supply\"
[source.supply]
directory = \"supply\"
[env]
ASHLAR_LIMIT = \"41\"
ASHLAR_BUILD = \"1\"
";
const NEXTEST: &str = "\
[profile.default]
retries = 0
fail-fast = false
slow-timeout = { period = \"60s\", terminate-after = 2 }

[profile.ci.junit]
path = \"junit.xml\"
";

/// Writes all of it. `toolchain` is a toolchain that rustup has here.
pub(super) fn put(tree: &mut Tree, design: &Design, toolchain: Option<&str>) {
    let gate = design.drivers.first().map_or("local", |driver| &driver.name);
    tree.file("ci/jobs.toml", format!("default-gate = \"driver-{gate}\"\n\n{JOBS}"));
    tree.file("ci/tool.sh", TOOL_SCRIPT);
    tree.file("ci/tool.limit", "41\n");
    tree.file("ci/README.md", "# CI\n");
    tree.file("tool/.cargo/config.toml", "[env]\nASHLAR_TOOL = \"41\"\n");
    tree.file(".cargo/config.toml", CONFIG);
    tree.file(".config/nextest.toml", NEXTEST);
    tree.file(".github/workflows/ci.yml", "on: push\n");
    if let Some(toolchain) = toolchain {
        tree.file("rust-toolchain.toml", format!("[toolchain]\nchannel = \"{toolchain}\"\n"));
    }
    for (path, text) in [
        ("README.md", "# A workspace\n"),
        ("LICENSE", "Do as you like.\n"),
        ("docs/guide.md", "# A guide\n"),
        ("rustfmt.toml", "max_width = 120\n"),
        ("clippy.toml", "allow-unwrap-in-tests = true\n"),
        ("settings/README.md", "Overrides go here.\n"),
        (".gitignore", "/target\n"),
    ] {
        tree.file(path, text);
    }
    if design.has(Reading::RunSubmodule) {
        let url = "[submodule \"wire\"]\n\tpath = third-party/wire\n\turl = ../wire\n";
        tree.file(".gitmodules", url);
    }
}
