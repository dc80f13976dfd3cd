//! Which editions are shipped? Light is what is built when nothing is asked for; enterprise brings the drivers of database
//! servers and of Redis (decisions 37 and 42).

use std::fmt;

/// An edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    Light,
    Enterprise,
}

impl Edition {
    pub(crate) const ALL: [Self; 2] = [Self::Light, Self::Enterprise];

    /// What cargo is told besides the packages, the server and the function.
    pub(crate) fn features(self) -> &'static [&'static str] {
        match self {
            Self::Light => &[],
            Self::Enterprise => &["--features", "tidegate/enterprise,tidegate-lambda/enterprise"],
        }
    }

    /// What an image may weigh, in millions of bytes.
    pub(crate) fn image_megabytes_max(self) -> f64 {
        match self {
            Self::Light => 25.0,
            Self::Enterprise => 40.0,
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Enterprise => "enterprise",
        })
    }
}
