//! How a server is set up.

use std::fmt::Write;

/// What differs between servers for tests.
#[derive(Clone, Debug)]
pub struct Settings {
    durable: bool,
    connections: u16,
    more: Vec<(String, String)>,
}

impl Default for Settings {
    /// A commit that was answered survives a power loss, and a hundred may connect.
    fn default() -> Self {
        Self { durable: true, connections: 100, more: Vec::new() }
    }
}

impl Settings {
    /// The server does not wait for the disk: quicker, and enough where the machine is not going to lose its power.
    #[must_use]
    pub fn without_fsync(mut self) -> Self {
        self.durable = false;
        self
    }

    /// So many may be connected at once.
    #[must_use]
    pub fn connections(mut self, most: u16) -> Self {
        self.connections = most;
        self
    }

    /// Any other parameter of `postgresql.conf`; the value is quoted here.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lines for the end of `postgresql.conf`, where the last of a name counts.
    pub(super) fn lines(&self, port: u16, socket: &str) -> String {
        let fsync = if self.durable { "on" } else { "off" };
        let mut text = String::from("\n# Set by the lab.\n");
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        };
        line("listen_addresses", "127.0.0.1");
        line("port", &port.to_string());
        line("unix_socket_directories", socket);
        line("max_connections", &self.connections.to_string());
        line("fsync", fsync);
        line("full_page_writes", fsync);
        line("shared_buffers", "32MB");
        // In files of the data directory, which are removed with it, and not in /dev/shm.
        line("dynamic_shared_memory_type", "mmap");
        for (name, value) in &self.more {
            line(name, value);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn what_is_asked_for_comes_last_and_quoted() {
        let text = Settings::default().without_fsync().parameter("cluster_name", "it's").lines(5, "/s");
        assert!(text.contains("port = '5'\n") && text.contains("fsync = 'off'\n"), "{text}");
        assert!(text.ends_with("cluster_name = 'it''s'\n"), "{text}");
        assert!(Settings::default().lines(5, "/s").contains("fsync = 'on'\n"));
    }
}
