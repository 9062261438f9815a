//! The table `commits`: the marks by which a commit is found again whose answer got lost.

use super::{engine::query, error::Result, tx::Tx};

/// Marks that are kept. One is looked for within seconds, and no disk makes ten thousand commits in each of them.
const KEPT: i64 = 200_000;

impl Tx {
    /// Forgets the marks that nobody can look for any more. How many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_commits(&mut self) -> Result<u64> {
        query("DELETE FROM commits WHERE number < (SELECT number FROM turn WHERE id = 1) - $1")
            .bind(KEPT)
            .execute(self)
            .await
    }
}
