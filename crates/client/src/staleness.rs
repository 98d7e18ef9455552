//! How stale reads may be: each node's estimate of what is written through it.

use serde::{Deserialize, Serialize};

use crate::error::ClientError;
use crate::transport::{Call, Client};

/// What one node estimates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StalenessDocument {
    /// The node's name.
    pub node: String,
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Puts that it has watched.
    #[serde(default)]
    pub watched_puts: u32,
    /// Until its own copies were on disk.
    #[serde(default)]
    pub own_sync: Option<SpreadDocument>,
    /// What its puts met at each replica.
    #[serde(default)]
    pub replicas: Vec<ReplicaDelaysDocument>,
    /// By setting; none before it has watched a put to its end.
    #[serde(default)]
    pub estimates: Vec<EstimateDocument>,
}

/// What writes to one replica met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplicaDelaysDocument {
    /// The replica's name.
    pub node: String,
    /// There and back.
    pub trip: SpreadDocument,
    /// From a state's arrival there until it was on disk.
    pub sync: SpreadDocument,
}

/// Some quantiles of a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpreadDocument {
    /// The median.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The 99.9th.
    pub p999_ms: f64,
}

/// The estimate for one setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EstimateDocument {
    /// Replicas.
    pub n: u8,
    /// Of those, asked by a read.
    pub r: u8,
    /// Of those, waited for by a write.
    pub w: u8,
    /// Of those, with the write on disk.
    pub dw: u8,
    /// The probability that a read is stale which begins so long after a write was acknowledged.
    pub stale: Vec<StaleDocument>,
    /// So long after its acknowledgement, 99 % of reads see a write.
    pub seen_by_99_percent_ms: f64,
    /// And 99.9 %.
    pub seen_by_999_per_mille_ms: f64,
}

/// A probability, by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StaleDocument {
    /// How long after the acknowledgement.
    pub after_ms: f64,
    /// From 0 to 1.
    pub probability: f64,
}

/// A setting that is asked about; what it leaves open is as usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StalenessQuery {
    /// Replicas.
    pub n: Option<u8>,
    /// Of those, asked by a read.
    pub r: Option<u8>,
    /// Of those, waited for by a write.
    pub w: Option<u8>,
    /// Of those, with the write on disk.
    pub dw: Option<u8>,
    /// How long before the read the write was acknowledged, in milliseconds; the usual times if empty.
    pub after_ms: Vec<f64>,
}

impl StalenessQuery {
    fn path(&self) -> String {
        let words = [("n", self.n), ("r", self.r), ("w", self.w), ("dw", self.dw)];
        let said = words.iter().filter_map(|(name, value)| Some(format!("{name}={}", (*value)?)));
        let mut said: Vec<String> = said.collect();
        if !self.after_ms.is_empty() {
            let times: Vec<String> = self.after_ms.iter().map(f64::to_string).collect();
            said.push(format!("after_ms={}", times.join(",")));
        }
        let query = said.join("&");
        let path = "/v1/cluster/staleness".to_owned();
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }
}

impl EstimateDocument {
    /// What several nodes estimate, put together by setting: probabilities are the mean, since writes
    /// through any of them are as likely; times are the longest.
    pub fn together<'a>(told: impl IntoIterator<Item = &'a StalenessDocument>) -> Vec<Self> {
        let mut sums: Vec<(Self, u32)> = Vec::new();
        for estimate in told.into_iter().flat_map(|document| &document.estimates) {
            match sums.iter_mut().find(|(sum, _)| sum.setting() == estimate.setting()) {
                Some((sum, count)) => {
                    sum.add(estimate);
                    *count += 1;
                }
                None => sums.push((estimate.clone(), 1)),
            }
        }
        let means = sums.into_iter().map(|(mut sum, count)| {
            for step in &mut sum.stale {
                step.probability /= f64::from(count);
            }
            sum
        });
        means.collect()
    }

    const fn setting(&self) -> [u8; 4] {
        [self.n, self.r, self.w, self.dw]
    }

    fn add(&mut self, other: &Self) {
        for (sum, step) in self.stale.iter_mut().zip(&other.stale) {
            sum.probability += step.probability;
        }
        self.seen_by_99_percent_ms = self.seen_by_99_percent_ms.max(other.seen_by_99_percent_ms);
        self.seen_by_999_per_mille_ms =
            self.seen_by_999_per_mille_ms.max(other.seen_by_999_per_mille_ms);
    }
}

impl Client {
    /// How stale reads may be of what is written through this node.
    pub async fn staleness(
        &self,
        query: &StalenessQuery,
    ) -> Result<StalenessDocument, ClientError> {
        self.document(Call::get(query.path())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(w: u8, probability: f64, millis: f64) -> StalenessDocument {
        let stale = vec![StaleDocument { after_ms: 0.0, probability }];
        let estimate = EstimateDocument {
            n: 3,
            r: 1,
            w,
            dw: w,
            stale,
            seen_by_999_per_mille_ms: millis,
            ..EstimateDocument::default()
        };
        StalenessDocument { estimates: vec![estimate], ..StalenessDocument::default() }
    }

    #[test]
    fn estimates_of_one_setting_are_put_together() {
        let nothing = StalenessDocument::default();
        let all = [told(1, 0.2, 9.0), nothing, told(2, 0.1, 1.0), told(1, 0.4, 7.0)];
        let found = EstimateDocument::together(&all);
        let rows: Vec<_> = found
            .iter()
            .map(|found| (found.w, found.stale[0].probability, found.seen_by_999_per_mille_ms))
            .collect();
        assert_eq!(rows.len(), 2);
        assert!((rows[0].1 - 0.3).abs() < 1e-9, "{rows:?}");
        assert_eq!((rows[0].0, rows[0].2, rows[1]), (1, 9.0, (2, 0.1, 1.0)));
    }

    #[test]
    fn only_what_is_said_is_asked() {
        assert_eq!(StalenessQuery::default().path(), "/v1/cluster/staleness");
        let after_ms = vec![0.0, 2.5];
        let query =
            StalenessQuery { n: Some(5), dw: Some(0), after_ms, ..StalenessQuery::default() };
        assert_eq!(query.path(), "/v1/cluster/staleness?n=5&dw=0&after_ms=0,2.5");
    }
}
