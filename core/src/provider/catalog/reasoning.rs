//! How is a model's reasoning steered, and how is it sent back?

/// The ways that a model offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasoning<'a>(pub(super) &'a str);

impl<'a> Reasoning<'a> {
    /// Whether it can be switched on and off.
    #[must_use]
    pub fn toggle(self) -> bool {
        self.0.split(' ').any(|word| word == "toggle")
    }

    /// The efforts that it knows, weakest first.
    pub fn efforts(self) -> impl Iterator<Item = Effort> + 'a {
        self.word("effort=").unwrap_or_default().bytes().filter_map(Effort::read)
    }

    /// The bounds of a budget in tokens, when it takes one.
    #[must_use]
    pub fn budget(self) -> Option<Budget> {
        let (min, max) = self.word("budget=")?.split_once("..")?;
        Some(Budget { min: min.parse().ok(), max: max.parse().ok() })
    }

    /// The field of an assistant's message in which its reasoning has to be sent back.
    #[must_use]
    pub fn interleaved(self) -> Option<Interleaved> {
        match self.word("back=")? {
            "reasoning_content" => Some(Interleaved::Content),
            "reasoning_details" => Some(Interleaved::Details),
            _ => Some(Interleaved::Unnamed),
        }
    }

    fn word(self, prefix: &str) -> Option<&'a str> {
        self.0.split(' ').find_map(|word| word.strip_prefix(prefix))
    }
}

/// How hard a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as it can.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More than much.
    XHigh,
    /// As much as it can.
    Max,
    /// As its provider thinks fit.
    Default,
}

impl Effort {
    fn read(letter: u8) -> Option<Self> {
        match letter {
            b'n' => Some(Self::None),
            b'i' => Some(Self::Minimal),
            b'l' => Some(Self::Low),
            b'm' => Some(Self::Medium),
            b'h' => Some(Self::High),
            b'x' => Some(Self::XHigh),
            b'a' => Some(Self::Max),
            b'd' => Some(Self::Default),
            _ => None,
        }
    }

    /// The word that providers use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
            Self::Default => "default",
        }
    }
}

/// The bounds of a reasoning budget, in tokens; `None` where the source knows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// At least; -1 leaves it to the provider.
    pub min: Option<i64>,
    /// At most.
    pub max: Option<i64>,
}

/// In which field reasoning goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interleaved {
    /// `reasoning_content`.
    Content,
    /// `reasoning_details`.
    Details,
    /// It goes back; the source does not say where.
    Unnamed,
}
