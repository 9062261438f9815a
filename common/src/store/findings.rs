//! The table `findings`: what the last look at each backend found.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    engine::{Row, query, row},
    error::{Error, Result},
    tx::Tx,
};
use crate::{
    findings::{Finding, Kind},
    ids::BackendName,
};

/// A finding, and since when it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// What was found.
    pub finding: Finding,
    /// By the clock of the host that saw it first.
    pub first_seen: Timestamp,
    /// The last look.
    pub last_seen: Timestamp,
}

fn from_row(row: &Row<'_>) -> Result<Noted> {
    let word = row::text(row, "kind")?;
    let known = Kind::ALL.iter().copied().find(|kind| kind.name() == word);
    let kind = known.ok_or_else(|| Error::Damaged { what: "findings.kind", why: format!("unknown kind {word:?}") })?;
    Ok(Noted {
        finding: Finding {
            kind,
            about: row::json(row, "about")?,
            detail: row::text(row, "detail")?,
            ours: row::flag(row, "ours")?,
        },
        first_seen: row::time(row, "first_seen")?,
        last_seen: row::time(row, "last_seen")?,
    })
}

impl Tx {
    /// Replaces what is known of a backend by what was found now. What was found before keeps its age, and what was
    /// once known to be ours stays so, though the log has forgotten why.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_findings(&mut self, backend: &BackendName, found: &[Finding], now: Timestamp) -> Result<()> {
        let kept: BTreeSet<(Kind, String)> = found.iter().map(|one| (one.kind, one.about.id())).collect();
        for known in self.findings(backend).await? {
            let key = (known.finding.kind, known.finding.about.id());
            if !kept.contains(&key) {
                query("DELETE FROM findings WHERE backend = $1 AND kind = $2 AND subject_id = $3")
                    .bind(backend.to_string())
                    .bind(key.0.name())
                    .bind(key.1)
                    .execute(self)
                    .await?;
            }
        }
        for finding in found {
            query(
                "INSERT INTO findings (backend, kind, subject_id, about, detail, ours, first_seen, last_seen) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (backend, kind, subject_id) DO UPDATE SET \
                 about = $4, detail = $5, last_seen = $7, ours = CASE WHEN findings.ours = 1 THEN 1 ELSE $6 END",
            )
            .bind(backend.to_string())
            .bind(finding.kind.name())
            .bind(finding.about.id())
            .bind(row::to_json(&finding.about))
            .bind(&finding.detail)
            .bind(i64::from(finding.ours))
            .bind(row::micros(now))
            .execute(self)
            .await?;
        }
        Ok(())
    }

    /// What is known of a backend, by kind and id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn findings(&mut self, backend: &BackendName) -> Result<Vec<Noted>> {
        query(
            "SELECT kind, about, detail, ours, first_seen, last_seen FROM findings WHERE backend = $1 \
             ORDER BY kind, subject_id",
        )
        .bind(backend.to_string())
        .fetch_all(self, from_row)
        .await
    }

    /// How many there are, per backend and kind.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn finding_counts(&mut self) -> Result<Vec<(String, String, u64)>> {
        query("SELECT backend, kind, COUNT(*) AS findings FROM findings GROUP BY backend, kind ORDER BY backend, kind")
            .fetch_all(self, |row| {
                Ok((row::text(row, "backend")?, row::text(row, "kind")?, row::count(row, "findings")?))
            })
            .await
    }
}
