//! What does this API's JSON look like? Its shapes, its words for an ending, and its counters never leave this folder.

mod ending;
mod input;
mod output;
mod usage;

pub(super) use ending::{Ending, stop};
pub(super) use input::{Block, Citation, Delta, ErrorBody, Frame, Message, StopDetails};
pub(super) use output::{
    BlockOut, CitationOut, DeltaOut, DetailsOut, EndOut, ErrorEnvelope, ErrorOut, EventOut, Input,
    MessageOut, NoDetails,
};
pub(super) use usage::{Counters, UsageOut};
