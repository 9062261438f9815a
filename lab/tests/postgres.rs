//! A real server, and what is done to it.

use std::{fs, net::TcpStream, path::Path, time::Duration};

use ashlar_lab::postgres::{Server, Settings, Stop, database, shared};

/// One that every user may enter: the server's is not always this one.
fn directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir_in("/tmp").expect("/tmp is there");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    directory
}

/// How many processes work in `data`.
fn processes(data: &Path) -> usize {
    let entries = fs::read_dir("/proc").expect("/proc is mounted").filter_map(Result::ok);
    entries.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok()).filter(|at| at.starts_with(data)).count()
}

/// Whether process `pid` made a segment of shared memory that is still there.
fn segment_of(pid: &str) -> bool {
    let table = fs::read_to_string("/proc/sysvipc/shm").expect("/proc is mounted");
    table.lines().any(|line| line.split_whitespace().nth(4) == Some(pid))
}

#[test]
fn what_was_committed_survives_a_kill_and_a_restart_at_the_same_address() {
    let directory = directory();
    let mut server = Server::start(directory.path()).unwrap();
    let address = server.address().clone();
    assert_eq!(address.sql("postgres", "SHOW fsync").unwrap(), "on");
    address.sql("postgres", "CREATE TABLE t (n int); INSERT INTO t VALUES (7)").unwrap();
    server.kill().unwrap();
    assert_eq!(processes(&server.data()), 0);
    assert!(server.is_gone() && TcpStream::connect(address.tcp()).is_err());
    server.restart().unwrap();
    assert_eq!(server.address(), &address);
    assert_eq!(address.sql("postgres", "SELECT n FROM t").unwrap(), "7");
}

#[test]
fn a_server_stops_as_told_and_refuses_what_makes_no_sense() {
    let directory = directory();
    let mut server = Server::start_quick(directory.path()).unwrap();
    for how in [Stop::Fast, Stop::Immediate] {
        server.stop(how).unwrap();
        assert!(server.is_gone());
        assert_eq!(server.stop(how).unwrap_err().to_string(), "the server is not running");
        assert_eq!(server.pause().unwrap_err().to_string(), "the server is not running");
        server.restart().unwrap();
    }
    let log = fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("received fast shutdown request") && log.contains("received immediate shutdown request"));
}

#[test]
fn a_paused_server_does_not_answer_and_then_goes_on() {
    let directory = directory();
    let mut server = Server::start_quick(directory.path()).unwrap();
    server.pause().unwrap();
    assert_eq!(server.stop(Stop::Fast).unwrap_err().to_string(), "the server is paused");
    let address = server.address().clone();
    let (tell, told) = std::sync::mpsc::channel();
    let asking = std::thread::spawn(move || tell.send(address.sql("postgres", "SELECT 1").unwrap()));
    assert!(told.recv_timeout(Duration::from_millis(300)).is_err());
    server.resume().unwrap();
    assert_eq!(told.recv().unwrap(), "1");
    asking.join().unwrap().unwrap();
    assert_eq!(server.resume().unwrap_err().to_string(), "the server is not paused");
    server.pause().unwrap();
    server.kill().unwrap();
}

#[test]
fn two_servers_stand_side_by_side_and_leave_nothing() {
    let directory = directory();
    let (one, two) = (Server::start(directory.path()).unwrap(), Server::start(directory.path()).unwrap());
    assert_ne!(one.url(), two.url());
    let sockets = [one.address().socket().to_owned(), two.address().socket().to_owned()];
    let data = [one.data(), two.data()];
    assert!(sockets.iter().all(|socket| socket.exists()));
    drop(one);
    assert_eq!(processes(&data[0]), 0);
    assert_eq!(two.address().sql("postgres", "SELECT 1").unwrap(), "1");
    drop(two);
    assert_eq!(processes(&data[1]), 0);
    assert!(sockets.iter().chain(&data).all(|path| !path.exists()));
}

#[test]
fn a_server_that_was_killed_and_never_restarted_leaves_no_shared_memory() {
    let directory = directory();
    let mut server = Server::start_quick(directory.path()).unwrap();
    let pid = fs::read_to_string(server.data().join("postmaster.pid")).unwrap().lines().next().unwrap().to_owned();
    server.kill().unwrap();
    assert!(segment_of(&pid), "what is looked for is there before");
    drop(server);
    assert!(!segment_of(&pid));
}

#[test]
fn each_database_is_empty_and_gone_with_its_value() {
    let directory = directory();
    let server = Server::start_quick(directory.path()).unwrap();
    let (one, two) = (server.database().unwrap(), server.database().unwrap());
    one.sql("CREATE TABLE t (n int)").unwrap();
    let refused = two.sql("SELECT n FROM t").unwrap_err().to_string();
    assert!(refused.contains("relation \"t\" does not exist"), "{refused}");
    assert!(one.url().ends_with(one.name()) && !one.url().contains(&server.address().password().unwrap()));
    let name = one.name().to_owned();
    drop(one);
    let left = server.address().sql("postgres", "SELECT datname FROM pg_database").unwrap();
    assert!(!left.contains(&name) && left.contains(two.name()), "{left}");
}

#[test]
fn only_who_knows_the_password_gets_in() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let server = Server::start_quick(directory.path()).unwrap();
    let address = server.address();
    for file in [address.password_file(), address.pass_file()] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let arguments =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
    let password = address.password().unwrap();
    let told: Vec<_> = arguments.filter(|line| String::from_utf8_lossy(line).contains(&password)).collect();
    assert!(told.is_empty(), "{told:?}");
    fs::write(address.pass_file(), "*:*:*:ashlar:wrong\n").unwrap();
    let refused = address.sql("postgres", "SELECT 1").unwrap_err().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
}

#[test]
fn tests_of_one_process_share_a_server_and_each_has_a_database() {
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(|| database().unwrap())).collect();
    let databases: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    // The thread that asked first is gone; its server is not.
    for database in &databases {
        assert_eq!(database.address(), shared().unwrap());
        assert_eq!(database.sql("CREATE TABLE t (n int); SELECT count(*) FROM t").unwrap(), "0");
    }
}

#[test]
fn a_cut_ends_the_connections_to_one_database() {
    let (database, other) = (database().unwrap(), database().unwrap());
    let (address, name) = (database.address().clone(), database.name().to_owned());
    let waits = std::thread::spawn(move || address.sql(&name, "SELECT pg_sleep(60)"));
    let here = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", database.name());
    while other.sql(&here).unwrap() != "1" {}
    assert_eq!(database.cut().unwrap(), 1);
    let cut = waits.join().unwrap().unwrap_err().to_string();
    assert!(cut.contains("terminating connection due to administrator command"), "{cut}");
    assert_eq!(database.cut().unwrap(), 0);
}

#[test]
fn a_follower_has_what_was_committed_and_takes_over() {
    let directory = directory();
    let mut first = Server::start_quick(directory.path()).unwrap();
    first.address().sql("postgres", "CREATE TABLE t (n int); INSERT INTO t VALUES (1)").unwrap();
    let second = first.follower(directory.path(), &Settings::default().without_fsync()).unwrap();
    let refused = second.address().sql("postgres", "INSERT INTO t VALUES (9)").unwrap_err().to_string();
    assert!(refused.contains("read-only transaction"), "{refused}");
    // From here on a commit is answered when both have it.
    let synchronous = "ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf()";
    first.address().sql("postgres", synchronous).unwrap();
    first.address().sql("postgres", "INSERT INTO t VALUES (2)").unwrap();
    first.kill().unwrap();
    second.promote().unwrap();
    assert_eq!(second.address().sql("postgres", "INSERT INTO t VALUES (3); SELECT sum(n) FROM t").unwrap(), "6");
}
