//! How does a streamed body reach the client or a provider, and what ends it when the client leaves?
//!
//! Through the runtime's own `IdentityTransformStream`. A stream that JavaScript feeds when it is asked to is not
//! cancelled when a write to the client fails; on this one the next write fails as well.

use futures_util::{StreamExt, future::select};
use tidegate_core::{Body, ports::BoxFuture};
use wasm_bindgen::JsCast;
use worker::{
    js_sys::{self, Array, Function, Reflect, Uint8Array},
    wasm_bindgen_futures::{JsFuture, spawn_local},
    web_sys::{ReadableStream, TransformStream, WritableStreamDefaultWriter},
};

/// The end that the runtime reads. The body is dropped when it has ended, when `gone` completes, or when the runtime
/// reads no more. One of known length goes out with it.
pub(crate) fn readable(
    body: Body,
    gone: BoxFuture<()>,
    length: Option<u32>,
) -> worker::Result<ReadableStream> {
    let (class, given) = match length {
        Some(length) => ("FixedLengthStream", Array::of1(&length.into())),
        None => ("IdentityTransformStream", Array::new()),
    };
    let class: Function = Reflect::get(&js_sys::global(), &class.into())?.dyn_into()?;
    let pipe: TransformStream = Reflect::construct(&class, &given)?.unchecked_into();
    let writer = pipe.writable().get_writer()?;
    spawn_local(async move {
        let left = select(gone, JsFuture::from(writer.closed()));
        // Boxed, so that the body is gone before the wait that follows.
        select(Box::pin(carry(body, &writer)), left).await;
        // Lets go of whatever still waits for this end; an end that is closed stays so.
        let _ = JsFuture::from(writer.abort()).await;
    });
    Ok(pipe.readable())
}

async fn carry(body: Body, writer: &WritableStreamDefaultWriter) {
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        // An error is passed on by the abort that follows, and the runtime breaks the connection off.
        let Ok(bytes) = piece else { return };
        let written = writer.write_with_chunk(&Uint8Array::from(&bytes[..]));
        if JsFuture::from(written).await.is_err() {
            return;
        }
    }
    // The client has everything or is gone; both are as they should be.
    let _ = JsFuture::from(writer.close()).await;
}
