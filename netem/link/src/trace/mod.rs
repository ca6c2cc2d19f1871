//! Recorded networks: traces of any format, read and written a record at a
//! time, so that memory does not grow with the file.
//!
//! A trace is packet opportunities, or conditions over time (rate, loss, delay,
//! jitter), or frame sizes. [`TraceReader`] tells the format from the file's
//! beginning and yields [`Record`]s; [`TraceWriter`] writes them in another one;
//! [`Spread`] and [`Bin`] go from one kind to the other with equal bytes in
//! every bin; [`transcribe`] and [`restore`] keep the text itself, to and from
//! the canonical form.
//!
//! Implements: Mahimahi (link_queue.cc at ae477d4, 2024-12-29), the two columns
//! of Pensieve (SIGCOMM 2017) and of Oboe (SIGCOMM 2018), OpenNetLab's JSON, the
//! delay files of LeoReplayer (LeoCC), the frame sizes of cisco/syncodecs.
//! Differs: carriage returns, blanks at the end and comments are accepted
//! everywhere; time that goes back, negative numbers and NaN nowhere.
//! Not modelled: the light files of CellReplay.
//!
//! ```
//! use weaknet_netem::trace::{Kind, Options, Record, TraceReader};
//!
//! let mut reader = TraceReader::open(&b"0\n5\n5\n12\n"[..], &Options::default())?;
//! assert_eq!(reader.kind(), Kind::Opportunities);
//! let mut bytes = 0;
//! while let Some(Record::Opportunity(opportunity)) = reader.next()? {
//!     bytes += opportunity.bytes;
//! }
//! assert_eq!((bytes, reader.length().unwrap().as_millis()), (6_000, 12));
//! # Ok::<(), weaknet_netem::trace::TraceError>(())
//! ```

mod canonical;
mod columns;
mod detect;
mod error;
mod format;
mod interpret;
mod json;
mod kinds;
mod lines;
pub(crate) mod model;
mod number;
mod reader;
mod record;
mod row;
mod writer;

pub use canonical::{Head, restore, transcribe};
pub use columns::Names;
pub use error::TraceError;
pub use format::{Direction, Format};
pub use kinds::{Bin, Spread};
pub use reader::{OPPORTUNITY, Options, TraceReader};
pub use record::{Frame, Kind, Opportunity, Quantity, Record, Segment};
pub use writer::{Target, TraceWriter};

#[cfg(test)]
mod tests;
