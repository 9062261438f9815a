//! The JSON Schemas of what is written for `affected-tests` and of what it prints. They are checked in below
//! `ci/schema/`, for editors and for programs; a test holds them to the types.

use anyhow::Result;
use schemars::{Schema, schema_for};

use super::{
    jobs::file::{File, OwnJob},
    render::json::Document,
};

/// Name and text of each schema.
///
/// # Errors
/// None that the types can cause.
pub fn schemas() -> Result<[(&'static str, String); 3]> {
    let text = |schema: &Schema| Ok::<_, anyhow::Error>(serde_json::to_string_pretty(schema)? + "\n");
    Ok([
        ("jobs.schema.json", text(&schema_for!(File))?),
        ("job.schema.json", text(&schema_for!(OwnJob))?),
        ("plan.schema.json", text(&schema_for!(Document))?),
    ])
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::schemas;

    #[test]
    fn checked_in_schemas_are_those_of_the_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/schema");
        for (name, text) in schemas().unwrap() {
            let checked_in = fs::read_to_string(folder.join(name)).unwrap_or_default();
            let same = checked_in == text;
            assert!(same, "ci/schema/{name} is not up to date: `cargo xtask affected-tests --schema` prints it");
        }
    }
}
