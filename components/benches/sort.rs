//! Sort of 6 million line items by ship mode, ship date and price, largest first.
//!
//! `cargo bench -p fletching-components --bench sort -- [threads [MiB]]`; one measurement a process, for its peak memory.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement: prints, reads /proc, stops at the first fault"
)]

mod lineitem;

use std::sync::Arc;

use fletching_components::transforms::sort::{SortKey, SortOperator, SortSettings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse::<usize>().ok());
    let threads = arguments.next().unwrap_or(2);
    let memory = arguments.next().map(|limit| limit << 20);
    let output_columns: Vec<usize> = (0..16).collect();
    let output = Arc::new(lineitem::schema().project(&output_columns).unwrap());
    let key = |column, descending| SortKey {
        column,
        descending,
        comparison_flags: 0,
    };
    let keys = vec![key(14, false), key(10, false), key(5, true)];
    let settings = SortSettings {
        keys,
        locale_id: 1033,
        output_columns,
        eliminate_duplicates: false,
    };
    let source = Arc::new(lineitem::LineItems::new(6_000_000, threads));
    lineitem::measure("sort", threads, memory, || {
        let source = Arc::clone(&source);
        Arc::new(SortOperator::try_new(source, settings.clone(), Arc::clone(&output)).unwrap())
    });
}
