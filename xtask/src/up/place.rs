//! The state directory of `up`: where everything of one service lives, and its configuration file.

use std::{
    fs::{DirBuilder, File},
    io::ErrorKind,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};
use toml::{Table, Value};

use super::openrc;

/// Where the service listens when nobody says.
pub const LISTEN: &str = "127.0.0.1:8776";
const LARGEST_LOG: u64 = 16 << 20;
/// Everything that `up` and the service make in the directory, and all that `--clean` removes.
const CONFIG: &str = "ashlar.toml";
const LOG: &str = "ashlar.log";
const OLD_LOG: &str = "ashlar.log.old";
const SERVICE: &str = "service";
const IMAGES: &str = "images";
const VOLUMES: &str = "volumes";
const OPENRC: &str = "openrc";
const CLOUDS: &str = "clouds.yaml";
const LOCK: &str = "up.lock";

/// A state directory that is ours as long as this value lives.
#[derive(Debug)]
pub struct Place {
    root: PathBuf,
    listen: SocketAddr,
    _lock: File,
}

impl Place {
    /// Makes the directory and what belongs into it. A configuration that is there already is kept.
    ///
    /// # Errors
    /// The directory cannot be used, another `up` uses it, or its configuration listens elsewhere than `listen` says.
    pub fn prepare(root: &Path, listen: Option<SocketAddr>, clean: bool) -> Result<Self> {
        let cannot = || format!("cannot use the state directory {}", root.display());
        make(root).with_context(cannot)?;
        let root = root.canonicalize().with_context(cannot)?;
        let lock = lock(&root)?;
        if clean {
            remove_known(&root)?;
        }
        for directory in [IMAGES, VOLUMES] {
            make(&root.join(directory)).with_context(cannot)?;
        }
        let config = root.join(CONFIG);
        if !config.exists() {
            let listen = listen.map_or_else(|| LISTEN.to_owned(), |listen| listen.to_string());
            std::fs::write(&config, render(&root, &listen)?)
                .with_context(|| format!("cannot write {}", config.display()))?;
        }
        let there = listens(&config)?;
        if let Some(wanted) = listen.filter(|wanted| *wanted != there) {
            bail!(
                "{} says it listens on {there}, not {wanted}: change `listen` there, or add --clean",
                config.display()
            );
        }
        let place = Self { root, listen: there, _lock: lock };
        place.turn_log()?;
        place.tell_clients()?;
        Ok(place)
    }

    /// The directory, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join(CONFIG)
    }

    /// What the service and its hosts say.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join(LOG)
    }

    /// The directory of the backend.
    #[must_use]
    pub fn volumes(&self) -> PathBuf {
        self.root.join(VOLUMES)
    }

    /// The directory of images.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.root.join(IMAGES)
    }

    /// What to source for the clients of OpenStack.
    #[must_use]
    pub fn openrc(&self) -> PathBuf {
        self.root.join(OPENRC)
    }

    /// Where the service keeps its store.
    #[must_use]
    pub fn service(&self) -> PathBuf {
        self.root.join(SERVICE)
    }

    /// Where the service listens.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    fn tell_clients(&self) -> Result<()> {
        let (api, clouds) = (format!("http://{}", self.listen), self.root.join(CLOUDS));
        for (path, text) in [(self.openrc(), openrc::openrc(&api, &clouds)?), (clouds, openrc::clouds(&api))] {
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    fn turn_log(&self) -> Result<()> {
        let log = self.log();
        if std::fs::metadata(&log).is_ok_and(|found| found.len() > LARGEST_LOG) {
            std::fs::rename(&log, self.root.join(OLD_LOG))
                .with_context(|| format!("cannot rename {}", log.display()))?;
        }
        Ok(())
    }
}

/// The configuration of a service whose everything is below `root`, with one backend of files.
///
/// # Errors
/// A path that is no UTF-8, which TOML cannot say.
pub fn render(root: &Path, listen: &str) -> Result<String> {
    let below = |name: &str| -> Result<Value> {
        let path = root.join(name);
        let text = path.to_str().with_context(|| format!("{} is no UTF-8", path.display()))?;
        Ok(Value::from(text))
    };
    let (service, images, volumes) = (below(SERVICE)?, below(IMAGES)?, below(VOLUMES)?);
    let listen = Value::from(listen);
    Ok(format!(
        "# Written once by `cargo xtask up`, which keeps it as you leave it; `--clean` writes it anew.\n\
         state_directory = {service}\n\n\
         [api]\nlisten = {listen}\n\n\
         [images]\ndirectory = {images}\n\n\
         # Volumes as files. `ashlar-driver-local describe` lists the options.\n\
         [backends.local]\ndriver = \"local\"\n\n\
         [backends.local.options]\npath = {volumes}\n"
    ))
}

/// Where the service of a configuration listens.
fn listens(config: &Path) -> Result<SocketAddr> {
    let text = std::fs::read_to_string(config).with_context(|| format!("cannot read {}", config.display()))?;
    let table: Table = toml::from_str(&text).with_context(|| format!("{} is no TOML", config.display()))?;
    let said = table.get("api").and_then(|api| api.get("listen")).and_then(Value::as_str).unwrap_or(LISTEN);
    said.parse().with_context(|| format!("{}: api.listen is {said:?}, no address and port", config.display()))
}

fn make(directory: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

fn lock(root: &Path) -> Result<File> {
    let path = root.join(LOCK);
    let lock = File::options().create(true).append(true).open(&path);
    let lock = lock.with_context(|| format!("cannot write {}", path.display()))?;
    let taken = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
    ensure!(taken, "another `cargo xtask up` uses {}: stop it, or give another --state", root.display());
    Ok(lock)
}

/// Removes what `up` and the service made, and nothing else: the directory may be anybody's.
fn remove_known(root: &Path) -> Result<()> {
    for name in [CONFIG, LOG, OLD_LOG, OPENRC, CLOUDS, SERVICE, IMAGES, VOLUMES] {
        let path = root.join(name);
        let removed = match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => std::fs::remove_dir_all(&path),
            Ok(_) => std::fs::remove_file(&path),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toml::{Table, Value};

    use super::{Place, render};

    #[test]
    fn any_path_makes_a_configuration_that_is_toml() {
        for root in ["/srv/plain", "/srv/it's \"quoted\" \\ and\nbroken", "/srv/\u{fc}ml\u{e4}ut"] {
            let table: Table = toml::from_str(&render(Path::new(root), "127.0.0.1:1").unwrap()).unwrap();
            let state = table.get("state_directory").and_then(Value::as_str);
            assert_eq!(state, Some(format!("{root}/service").as_str()));
            let options = &table["backends"]["local"]["options"];
            assert_eq!(options["path"].as_str(), Some(format!("{root}/volumes").as_str()));
        }
    }

    #[test]
    fn a_configuration_that_is_there_is_kept_and_obeyed() {
        let folder = tempfile::tempdir().unwrap();
        let written = "state_directory = '/x'\napi.listen = '127.0.0.1:7'\n";
        std::fs::write(folder.path().join("ashlar.toml"), written).unwrap();
        let place = Place::prepare(folder.path(), None, false).unwrap();
        assert_eq!(place.listen().port(), 7);
        assert_eq!(std::fs::read_to_string(place.config()).unwrap(), written);
        drop(place);
        let other = "127.0.0.1:8".parse().ok();
        let error = Place::prepare(folder.path(), other, false).unwrap_err().to_string();
        assert!(error.contains("--clean"), "{error}");
        assert_eq!(Place::prepare(folder.path(), other, true).unwrap().listen().port(), 8);
    }

    #[test]
    fn a_state_directory_has_one_user_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Place::prepare(folder.path(), None, false).unwrap();
        assert!(Place::prepare(folder.path(), None, false).is_err());
    }

    #[test]
    fn cleaning_leaves_what_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.tex"), "years").unwrap();
        std::fs::create_dir(folder.path().join("volumes")).unwrap();
        std::fs::write(folder.path().join("volumes/one"), "").unwrap();
        drop(Place::prepare(folder.path(), None, true).unwrap());
        assert!(folder.path().join("thesis.tex").exists());
        assert!(!folder.path().join("volumes/one").exists());
    }
}
