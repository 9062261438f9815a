//! One server: raised, stopped and killed on purpose, and removed with the value.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    address::{Address, USER},
    database::random,
    install::Install,
    pidfile::PidFile,
    place,
    settings::Settings,
};
use crate::{
    error::{Error, Result},
    folder::Folder,
    process,
    program::{Program, Staying, tail_of},
};

const INITDB_LIMIT: Duration = Duration::from_secs(120);
/// Recovery after a kill is part of it.
const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const REMOVE_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks whether the server is ready.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A port that was free a moment ago may be taken when the server wants it.
const PORTS_TRIED: usize = 5;
/// Below the ports that the system gives to clients, so that none gets ours while the server is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// In the server's folder: a link to the directory of its socket, whose own path must be short.
const SOCKET: &str = "socket";

/// How a server is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are ended, what they did is undone, and all is written out.
    Fast,
    /// Everything ends at once; the next start recovers.
    Immediate,
}

/// A PostgreSQL server. It ends with this process, however that ends, and its folder is removed with this value, or
/// by the next server below the same directory.
#[derive(Debug)]
pub struct Server {
    install: Install,
    folder: Folder,
    address: Address,
    running: Option<Staying>,
    paused: bool,
}

impl Server {
    /// Raises one in a folder of its own below `directory`, durable: see [`Settings::default`].
    ///
    /// # Errors
    /// PostgreSQL is not installed, the user that runs it cannot get to the directory, or it does not start.
    pub fn start(directory: &Path) -> Result<Self> {
        Self::start_with(directory, &Settings::default())
    }

    /// The same, set up otherwise.
    ///
    /// # Errors
    /// As there.
    pub fn start_with(directory: &Path, settings: &Settings) -> Result<Self> {
        let install = Install::find()?;
        sweep(directory)?;
        let folder = Folder::make(directory)?;
        let address = prepare(&install, &folder).inspect_err(|_| drop(remove(&folder)))?;
        let mut server = Self { install, folder, address, running: None, paused: false };
        server.initialise()?;
        server.configure(settings)?;
        Ok(server)
    }

    /// Writes its configuration, and runs it at a port that nobody has.
    fn configure(&mut self, settings: &Settings) -> Result<()> {
        let server = self;
        let configuration = server.data().join("postgresql.conf");
        let own = fs::read_to_string(&configuration).map_err(Error::io("cannot read postgresql.conf"))?;
        let mut tried = 0;
        loop {
            tried += 1;
            server.address.tcp = free_port()?;
            let socket = server.address.socket.display().to_string();
            let text = own.clone() + &settings.lines(server.address.tcp.port(), &socket);
            fs::write(&configuration, text).map_err(Error::io("cannot write postgresql.conf"))?;
            match server.run() {
                Err(Error::Ended { log }) if tried < PORTS_TRIED && log.contains("could not bind") => {}
                other => return other,
            }
        }
    }

    /// Raises one that is only to be quick: it does not wait for the disk, and is in memory where the machine has enough
    /// of that, else below `otherwise`.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_quick(otherwise: &Path) -> Result<Self> {
        let settings = Settings::default().without_fsync().parameter("max_wal_size", place::LOG_BOUND);
        Self::start_with(&place::in_memory().unwrap_or_else(|| otherwise.to_owned()), &settings)
    }

    /// Raises another that follows this one: it has all that is here, and is told of each change. It takes writes once it
    /// is told to, by [`Self::promote`].
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn follower(&self, directory: &Path, settings: &Settings) -> Result<Self> {
        let install = self.install.clone();
        let folder = Folder::make(directory)?;
        let mut address = prepare(&install, &folder).inspect_err(|_| drop(remove(&folder)))?;
        // The passwords are in the data that is copied.
        (address.password_file, address.pass_file) =
            (self.address.password_file.clone(), self.address.pass_file.clone());
        let mut server = Self { install, folder, address, running: None, paused: false };
        let copy = server.install.program("pg_basebackup").arguments(self.address.words());
        let copy = copy.arguments(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
        copy.arguments(["--pgdata".as_ref(), server.data().as_os_str()])
            .variable("PGPASSWORD", self.address.password()?)
            .run(INITDB_LIMIT)?;
        server.configure(settings)?;
        Ok(server)
    }

    /// Has one that follows another stand alone and take writes; returns when it does.
    ///
    /// # Errors
    /// It follows nobody, or does not answer.
    pub fn promote(&self) -> Result<()> {
        match self.address.sql(super::address::FIRST, "SELECT pg_promote()")?.as_str() {
            "t" => Ok(()),
            _ => Err(Error::State("done with what it follows")),
        }
    }

    /// Where it is; good across restarts.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The URL of the database that is there from the start, without the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.address.url_of(super::address::FIRST)
    }

    /// A fresh database: see [`Address::database`].
    ///
    /// # Errors
    /// As there.
    pub fn database(&self) -> Result<super::Database> {
        self.address.database()
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Where its files are. All its processes work there, and no others.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Kills it with all its processes at one point in time, as the end of a machine does, but for what the system has
    /// not yet written to the disk. Also where it is paused.
    ///
    /// # Errors
    /// It is not running, or its processes do not end.
    pub fn kill(&mut self) -> Result<()> {
        let running = self.running.take().ok_or(Error::State("not running"))?;
        // Held still first: one that sees the others die would do something about it.
        process::pause_all(&self.data(), STOP_LIMIT)?;
        self.paused = false;
        process::kill_all(&self.data(), STOP_LIMIT)?;
        ended(&running, STOP_LIMIT)
    }

    /// Tells it to stop and waits until it has.
    ///
    /// # Errors
    /// It is not running, it is paused, or it does not stop.
    pub fn stop(&mut self, how: Stop) -> Result<()> {
        if self.paused {
            return Err(Error::State("paused"));
        }
        let running = self.running.take().ok_or(Error::State("not running"))?;
        let signal = match how {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
        };
        tell(&running, signal)?;
        ended(&running, STOP_LIMIT)?;
        // Children of one that stopped at once may outlive it for a moment.
        process::kill_all(&self.data(), STOP_LIMIT)
    }

    /// Starts it again, at the same address, after stopping it fast where it runs.
    ///
    /// # Errors
    /// It is paused, or it does not stop or start.
    pub fn restart(&mut self) -> Result<()> {
        if self.running.as_ref().is_some_and(|running| !running.ended_within(Duration::ZERO)) {
            self.stop(Stop::Fast)?;
        }
        self.running = None;
        self.run()
    }

    /// Stops all its processes where they are: it is there and does not answer.
    ///
    /// # Errors
    /// It is not running.
    pub fn pause(&mut self) -> Result<()> {
        self.running.as_ref().ok_or(Error::State("not running"))?;
        self.paused = true;
        process::pause_all(&self.data(), STOP_LIMIT)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// It is not paused.
    pub fn resume(&mut self) -> Result<()> {
        if !self.paused {
            return Err(Error::State("not paused"));
        }
        process::resume_all(&self.data())?;
        self.paused = false;
        Ok(())
    }

    /// Whether it ended by itself, or was killed by somebody else.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.running.as_ref().is_none_or(|running| running.ended_within(Duration::ZERO))
    }

    fn initialise(&self) -> Result<()> {
        let secret = format!("--pwfile={}", self.address.password_file.display());
        let user = format!("--username={USER}");
        // Not synced: what is new needs no power loss to be lost.
        let words = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"];
        let data = self.data();
        let initdb = self.install.program("initdb").arguments(words).arguments([&user, &secret]);
        initdb.arguments(["--pgdata".as_ref(), data.as_os_str()]).run(INITDB_LIMIT).map(|_| ())
    }

    fn run(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).read(true).open(self.log());
        let mut log = log.map_err(Error::io("cannot open the server's log"))?;
        let data = self.data();
        let postgres = self.install.program("postgres").arguments(["-D".as_ref(), data.as_os_str()]);
        let running = postgres.stay(log.try_clone().map_err(Error::io("cannot open the server's log"))?)?;
        let pid = running.pid().to_string();
        let started = Instant::now();
        while PidFile::read(&data).is_none_or(|file| file.pid != pid || !file.ready) {
            if running.ended_within(LOOK_AGAIN) {
                return Err(Error::Ended { log: tail_of(&mut log) });
            }
            if started.elapsed() > START_LIMIT {
                let said = format!("; the end of its log:\n{}", tail_of(&mut log));
                process::kill_all(&data, STOP_LIMIT)?;
                return Err(Error::TooLong { what: "the server's start".to_owned(), limit: START_LIMIT, said });
            }
        }
        self.running = Some(running);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take().filter(|_| !self.paused) {
            // In order, so that its shared memory is given back; what does not end is killed below.
            let _gone_already = tell(&running, Signal::QUIT);
            running.ended_within(REMOVE_LIMIT);
        }
        // What is left then is found by the next server.
        let _left = remove(&self.folder);
    }
}

/// Removes what servers of processes that are gone left below `directory`.
///
/// # Errors
/// They are not this user's to remove.
pub(super) fn sweep(directory: &Path) -> Result<()> {
    Folder::leftovers(directory)?.iter().try_for_each(remove)
}

/// Ends what still runs in a server's folder, and removes it.
fn remove(folder: &Folder) -> Result<()> {
    let data = folder.path().join("data");
    process::kill_all(&data, REMOVE_LIMIT)?;
    if let Some(PidFile { pid, shared_memory: Some(id), .. }) = PidFile::read(&data)
        && process::is_left_by(&id, &pid).unwrap_or_default()
    {
        Program::new("/usr/bin/ipcrm").arguments(["--shmem-id", &id]).run(REMOVE_LIMIT)?;
    }
    if let Ok(socket) = fs::read_link(folder.path().join(SOCKET)) {
        match fs::remove_dir_all(&socket) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(format!("cannot remove {}", socket.display()))(error));
            }
            _ => {}
        }
    }
    folder.remove()
}

/// Makes all that the server finds: passwords, the directory of its socket.
fn prepare(install: &Install, folder: &Folder) -> Result<Address> {
    let made = || Error::io(format!("cannot make the server's files in {}", folder.path().display()));
    install.hand_over(folder.path())?;
    install.enters(folder.path())?;
    let socket = tempfile::Builder::new().prefix("ashlar-lab-").tempdir_in("/tmp").map_err(made())?.keep();
    symlink(&socket, folder.path().join(SOCKET)).map_err(made())?;
    fs::set_permissions(&socket, Permissions::from_mode(0o700)).map_err(made())?;
    install.hand_over(&socket)?;
    let (password_file, pass_file) = (folder.path().join("password"), folder.path().join("pgpass"));
    let password = random()? + &random()?;
    secret(&password_file, &password).map_err(made())?;
    secret(&pass_file, &format!("*:*:*:{USER}:{password}\n")).map_err(made())?;
    // For initdb, which reads it.
    install.hand_over(&password_file)?;
    let tcp = (Ipv4Addr::LOCALHOST, 0).into();
    Ok(Address { tcp, socket, password_file, pass_file, programs: install.folder().to_owned() })
}

fn secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

fn free_port() -> Result<SocketAddr> {
    let drawn = u64::from_str_radix(&random()?, 16).unwrap_or_default();
    let count = u64::from(PORTS.end - PORTS.start);
    let first = PORTS.start + u16::try_from(drawn % count).unwrap_or_default();
    let mut ports = (first..PORTS.end).chain(PORTS.start..first);
    let free = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.map(|port| (Ipv4Addr::LOCALHOST, port).into()).ok_or(Error::State("without a free port"))
}

fn tell(running: &Staying, signal: Signal) -> Result<()> {
    let pid = i32::try_from(running.pid()).ok().and_then(Pid::from_raw).ok_or(Error::State("without a process"))?;
    // Fetched by the thread that keeps it a moment after its end, so that the number is not another's before.
    if running.ended_within(Duration::ZERO) {
        return Ok(());
    }
    kill_process(pid, signal).map_err(Error::io("cannot signal the server"))
}

fn ended(running: &Staying, limit: Duration) -> Result<()> {
    if running.ended_within(limit) {
        return Ok(());
    }
    Err(Error::TooLong { what: "the server's end".to_owned(), limit, said: String::new() })
}
