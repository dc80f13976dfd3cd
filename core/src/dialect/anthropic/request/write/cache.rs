//! Which of the client's breakpoints can be kept?

use serde_json::value::RawValue;

use super::{
    blocks::{Block, CacheOut},
    tools::ToolOut,
    turns::Message,
};
use crate::dialect::{ir::Losses, object::Object};

/// How many breakpoints a request may have.
const BREAKPOINTS_MAX: usize = 4;

/// Takes breakpoints away until the API accepts them: of too many the last ones stay, for they cover the most, and one
/// that holds long may not follow one that does not.
pub(super) fn restrain<'a>(
    whole: Option<&CacheOut>,
    tools: &mut [ToolOut<'a>],
    system: &mut [Block<'a>],
    messages: &mut [Message<'a>],
    losses: &mut Losses,
) {
    let mut fixed = usize::from(whole.is_some());
    let mut slots = Vec::new();
    for tool in tools {
        match tool {
            ToolOut::Raw(tool) => fixed += usize::from(has_breakpoint(tool)),
            ToolOut::Served(tool) => slots.push(&mut tool.cache_control),
            ToolOut::Function(function) => slots.push(&mut function.cache_control),
        }
    }
    let said = messages.iter_mut().flat_map(|message| message.content.iter_mut());
    for block in system.iter_mut().chain(said) {
        match block {
            Block::Raw(block) => fixed += usize::from(has_breakpoint(block)),
            block => slots.extend(block.cache()),
        }
    }
    slots.retain(|slot| slot.is_some());
    let room = BREAKPOINTS_MAX.saturating_sub(fixed);
    let surplus = slots.len().saturating_sub(room);
    losses.lose_if(surplus > 0, "cache_control");
    slots.drain(..surplus).for_each(|slot| *slot = None);
    let mut short = false;
    for control in slots.into_iter().flatten() {
        if short && control.is_long() {
            losses.lose("cache_control");
            control.shorten();
        }
        short |= !control.is_long();
    }
}

fn has_breakpoint(json: &RawValue) -> bool {
    Object::read(json.get().as_bytes()).is_ok_and(|json| json.present("cache_control").is_some())
}
