//! Seeing whether others are alive: they count up in the store, and who watches them sees by its own clock for how long
//! a count has not changed. Nobody believes another's clock.

use std::{collections::HashMap, hash::Hash, time::Duration};

/// What was seen of others so far.
#[derive(Clone, Debug)]
pub struct Watch<K> {
    seen: HashMap<K, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    count: u64,
    since: Duration,
}

impl<K> Default for Watch<K> {
    fn default() -> Self {
        Self { seen: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash> Watch<K> {
    /// Notes what a count stands at now, by the watcher's own uptime, and says for how long it has been seen unchanged:
    /// for no time where it was not seen before.
    pub fn unchanged(&mut self, key: &K, count: u64, uptime: Duration) -> Duration {
        match self.seen.get_mut(key) {
            Some(seen) if seen.count == count => uptime.saturating_sub(seen.since),
            Some(seen) => {
                *seen = Seen { count, since: uptime };
                Duration::ZERO
            }
            None => {
                self.seen.insert(key.clone(), Seen { count, since: uptime });
                Duration::ZERO
            }
        }
    }

    /// Forgets those that are not there any more.
    pub fn keep(&mut self, there: impl Fn(&K) -> bool) {
        self.seen.retain(|key, _| there(key));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Watch;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_count_that_stands_still_ages_and_one_that_moves_is_young() {
        let mut watch = Watch::default();
        assert_eq!(watch.unchanged(&"a", 7, s(100)), s(0), "the first look");
        assert_eq!(watch.unchanged(&"a", 7, s(104)), s(4));
        assert_eq!(watch.unchanged(&"a", 8, s(105)), s(0));
        assert_eq!(watch.unchanged(&"a", 8, s(109)), s(4));
    }

    #[test]
    fn a_store_that_was_put_back_to_an_older_copy_is_no_dead_host() {
        let mut watch = Watch::default();
        watch.unchanged(&"a", 7, s(0));
        assert_eq!(watch.unchanged(&"a", 3, s(50)), s(0));
    }

    #[test]
    fn what_is_gone_and_comes_again_is_new() {
        let mut watch = Watch::default();
        watch.unchanged(&"a", 7, s(0));
        watch.keep(|key| *key != "a");
        assert_eq!(watch.unchanged(&"a", 7, s(50)), s(0));
    }
}
