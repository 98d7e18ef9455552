//! How many replicas must answer: N, R, W and their relatives, checked before anything is sent.
//!
//! The paper, 4.5. A quorum that can't be met by any number of answers can't be constructed.
//! Rule 8.

/// How many answers a request asks for: a number, or a word for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Exactly so many.
    Count(u8),
    /// One.
    One,
    /// More than half of the replicas that exist.
    Quorum,
    /// All replicas that exist.
    All,
}

impl Level {
    /// The number, where `n` replicas exist.
    const fn of(self, n: u8) -> u8 {
        match self {
            Self::Count(count) => count,
            Self::One => 1,
            Self::Quorum => n / 2 + 1,
            Self::All => n,
        }
    }
}

impl std::str::FromStr for Level {
    type Err = InvalidLevel;

    fn from_str(text: &str) -> Result<Self, InvalidLevel> {
        match text {
            "one" => Ok(Self::One),
            "quorum" => Ok(Self::Quorum),
            "all" => Ok(Self::All),
            _ => text.parse().map(Self::Count).map_err(|_| InvalidLevel(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::One => f.write_str("one"),
            Self::Quorum => f.write_str("quorum"),
            Self::All => f.write_str("all"),
        }
    }
}

/// Text that names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no quorum: write a number from 0 to 255, or one, quorum or all")]
pub struct InvalidLevel(pub String);

/// Whether healthy fallbacks may answer in place of primaries (the paper, 4.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuorumMode {
    /// The first N healthy nodes: always writable.
    #[default]
    Sloppy,
    /// Only the N primaries.
    Strict,
}

/// What a request, or a bucket, says about quorums; what is absent comes from the next: request,
/// bucket, product defaults (`r=2 w=2 dw=w pr=0 pw=0 node_confirms=w`, sloppy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuorumOptions {
    /// Replicas that must answer a read.
    pub r: Option<Level>,
    /// Of those, primaries.
    pub pr: Option<Level>,
    /// Replicas that must acknowledge a write.
    pub w: Option<Level>,
    /// Of those, primaries.
    pub pw: Option<Level>,
    /// Of those, with the write on disk.
    pub dw: Option<Level>,
    /// Different nodes among those.
    pub node_confirms: Option<Level>,
    /// Sloppy or strict.
    pub mode: Option<QuorumMode>,
}

/// A quorum that no set of answers could meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImpossibleQuorum {
    /// More answers asked for than the bucket has replicas.
    #[error("{name}={asked} can't be met: the bucket keeps n={n} replicas")]
    MoreThanReplicas {
        /// Which of `r`, `w`, `pr`, `pw`, `dw`, `node_confirms`.
        name: &'static str,
        /// What was asked for.
        asked: u8,
        /// The bucket's n.
        n: u8,
    },
    /// A part asked for that is more than the whole.
    #[error("{name}={asked} can't be met: only {whole_name}={whole} answers are waited for")]
    MoreThanWhole {
        /// Which of `pr`, `pw`, `dw`, `node_confirms`.
        name: &'static str,
        /// What was asked for.
        asked: u8,
        /// `r` or `w`.
        whole_name: &'static str,
        /// Its number.
        whole: u8,
    },
    /// Zero answers asked for.
    #[error("{name}=0 waits for nobody: ask for at least 1")]
    Zero {
        /// `r` or `w`.
        name: &'static str,
    },
}

/// How many replicas a bucket keeps, and how many of those the ring has nodes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaCount {
    /// The bucket's n.
    pub wanted: u8,
    /// What exists: n, or the number of members if that is less.
    pub existing: u8,
}

impl ReplicaCount {
    /// An explicit level must be possible with the bucket's n; a default is cut to what exists.
    fn resolve(
        self,
        name: &'static str,
        asked: Option<Level>,
        bucket: Option<Level>,
        default: Level,
    ) -> Result<u8, ImpossibleQuorum> {
        let Some(level) = asked else {
            return Ok(bucket.unwrap_or(default).of(self.existing).min(self.existing));
        };
        let count = level.of(self.existing);
        if count > self.wanted {
            return Err(ImpossibleQuorum::MoreThanReplicas { name, asked: count, n: self.wanted });
        }
        Ok(count)
    }
}

/// The quorum of a read: `1 ≤ r ≤ n`, `pr ≤ r`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadQuorum {
    r: u8,
    pr: u8,
    mode: QuorumMode,
}

impl ReadQuorum {
    /// Resolves what a request asked for over the bucket's own settings.
    pub fn resolve(
        count: ReplicaCount,
        asked: &QuorumOptions,
        bucket: &QuorumOptions,
    ) -> Result<Self, ImpossibleQuorum> {
        let r = count.resolve("r", asked.r, bucket.r, Level::Count(2))?;
        if r == 0 {
            return Err(ImpossibleQuorum::Zero { name: "r" });
        }
        let pr = part(count, "pr", (asked.pr, bucket.pr), Level::Count(0), ("r", r, asked.r))?;
        let mode = asked.mode.or(bucket.mode).unwrap_or_default();
        Ok(Self { r: r.max(pr), pr, mode })
    }

    /// Replicas that must answer.
    pub const fn r(self) -> u8 {
        self.r
    }

    /// Primaries that must answer.
    pub const fn pr(self) -> u8 {
        self.pr
    }

    /// Sloppy or strict.
    pub const fn mode(self) -> QuorumMode {
        self.mode
    }
}

/// The quorum of a write: `1 ≤ w ≤ n`; `pw`, `dw`, `node_confirms` ≤ w.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteQuorum {
    w: u8,
    pw: u8,
    dw: u8,
    node_confirms: u8,
    mode: QuorumMode,
}

impl WriteQuorum {
    /// Resolves what a request asked for over the bucket's own settings.
    pub fn resolve(
        count: ReplicaCount,
        asked: &QuorumOptions,
        bucket: &QuorumOptions,
    ) -> Result<Self, ImpossibleQuorum> {
        let w = count.resolve("w", asked.w, bucket.w, Level::Count(2))?;
        if w == 0 {
            return Err(ImpossibleQuorum::Zero { name: "w" });
        }
        let whole = ("w", w, asked.w);
        let pw = part(count, "pw", (asked.pw, bucket.pw), Level::Count(0), whole)?;
        let dw = part(count, "dw", (asked.dw, bucket.dw), Level::Count(w), whole)?;
        let confirms = (asked.node_confirms, bucket.node_confirms);
        let node_confirms = part(count, "node_confirms", confirms, Level::Count(w), whole)?;
        let mode = asked.mode.or(bucket.mode).unwrap_or_default();
        Ok(Self { w: w.max(pw).max(dw).max(node_confirms), pw, dw, node_confirms, mode })
    }

    /// Replicas that must acknowledge.
    pub const fn w(self) -> u8 {
        self.w
    }

    /// Primaries that must acknowledge.
    pub const fn pw(self) -> u8 {
        self.pw
    }

    /// Replicas that must have the write on disk.
    pub const fn dw(self) -> u8 {
        self.dw
    }

    /// Different nodes that must acknowledge.
    pub const fn node_confirms(self) -> u8 {
        self.node_confirms
    }

    /// Sloppy or strict.
    pub const fn mode(self) -> QuorumMode {
        self.mode
    }
}

/// A part of a whole (`pr` of `r`, `dw` of `w`). An explicit part above an explicit whole is
/// impossible; above a default whole it raises it; a default part is cut to the whole.
fn part(
    count: ReplicaCount,
    name: &'static str,
    (asked, bucket): (Option<Level>, Option<Level>),
    default: Level,
    (whole_name, whole, whole_asked): (&'static str, u8, Option<Level>),
) -> Result<u8, ImpossibleQuorum> {
    let part = count.resolve(name, asked, bucket, default)?;
    if part <= whole {
        return Ok(part);
    }
    if asked.is_none() {
        return Ok(whole);
    }
    if whole_asked.is_some() {
        return Err(ImpossibleQuorum::MoreThanWhole { name, asked: part, whole_name, whole });
    }
    Ok(part)
}

#[cfg(test)]
mod tests;
