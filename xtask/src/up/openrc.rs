//! What the clients of OpenStack need to know: one file to source, for `openstack` and `cinder` alike.
//!
//! Both know an API without authentication, by other names: `openstack` calls it `none` and fails on what `cinder` wants
//! in the same variables. So the one reads a cloud from a file, which `cinder` does not, and the other reads variables
//! of its own, which `openstack` does not.

use std::path::Path;

use anyhow::{Context, Result};

use super::api::{PROJECT, USER};

/// The newest microversion that both clients know.
const VERSION: &str = "3.59";
/// Set by whoever spoke to another cloud in the same shell.
const FOREIGN: &str = "OS_AUTH_TYPE OS_AUTH_URL OS_ENDPOINT OS_PROJECT_ID OS_PROJECT_NAME OS_USER_ID OS_USERNAME \
                       OS_PASSWORD OS_TOKEN";

/// The file to source; `root` is the API's address without `/v3`.
///
/// # Errors
/// The path of the clouds file is no UTF-8.
pub fn openrc(root: &str, clouds: &Path) -> Result<String> {
    let clouds = clouds.to_str().with_context(|| format!("{} is no UTF-8", clouds.display()))?;
    let clouds = format!("'{}'", clouds.replace('\'', r"'\''"));
    Ok(format!(
        "# For the clients of OpenStack: source this file.\n\
         unset {FOREIGN}\n\
         export OS_VOLUME_API_VERSION={VERSION}\n\
         # openstack\n\
         export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=ashlar\n\
         # cinder\n\
         export OS_AUTH_SYSTEM=noauth CINDER_ENDPOINT={root}/v3 CINDER_PROJECT_ID={PROJECT} Cinder_USER_ID={USER}\n"
    ))
}

/// The clouds file.
#[must_use]
pub fn clouds(root: &str) -> String {
    format!(
        "clouds:\n  ashlar:\n    auth_type: none\n    auth:\n      endpoint: {root}/v3/{PROJECT}\n    \
         volume_api_version: \"{VERSION}\"\n"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{clouds, openrc};

    #[test]
    fn one_file_serves_both_clients() {
        let text = openrc("http://127.0.0.1:1", Path::new("/srv/it's/clouds.yaml")).unwrap();
        insta::assert_snapshot!(text, @r"
        # For the clients of OpenStack: source this file.
        unset OS_AUTH_TYPE OS_AUTH_URL OS_ENDPOINT OS_PROJECT_ID OS_PROJECT_NAME OS_USER_ID OS_USERNAME OS_PASSWORD OS_TOKEN
        export OS_VOLUME_API_VERSION=3.59
        # openstack
        export OS_CLIENT_CONFIG_FILE='/srv/it'\''s/clouds.yaml' OS_CLOUD=ashlar
        # cinder
        export OS_AUTH_SYSTEM=noauth CINDER_ENDPOINT=http://127.0.0.1:1/v3 CINDER_PROJECT_ID=demo Cinder_USER_ID=admin
        ");
        insta::assert_snapshot!(clouds("http://127.0.0.1:1"), @r#"
        clouds:
          ashlar:
            auth_type: none
            auth:
              endpoint: http://127.0.0.1:1/v3/demo
            volume_api_version: "3.59"
        "#);
    }
}
