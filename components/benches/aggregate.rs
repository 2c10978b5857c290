//! Aggregate of 6 million line items: 4 group-by columns, about 300 groups, two sums, an average, a count of rows and a
//! count of distinct parts. With `many` as the last argument: by comment, half a million groups.
//!
//! `cargo bench -p fletching-components --bench aggregate -- [threads [MiB]] [many]`; one measurement a process, for its peak
//! memory.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement: prints, reads /proc, stops at the first fault"
)]

mod lineitem;

use std::sync::Arc;

use arrow::datatypes::Schema;
use dtsx::DataType;
use fletching_components::transforms::aggregate::{
    AggregateColumn, AggregateExec, AggregateOutput, Operation,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse::<usize>().ok());
    let threads = arguments.next().unwrap_or(2);
    let memory = arguments.next().map(|limit| limit << 20);
    let column = |operation, input, data_type| AggregateColumn {
        name: format!("{operation:?}"),
        operation,
        input,
        data_type,
        comparison_flags: 0,
    };
    let text = DataType::WStr { length: 10 };
    let sum = DataType::Numeric {
        precision: 38,
        scale: 2,
    };
    let many = std::env::args().any(|argument| argument == "many");
    let mut columns = vec![
        column(Operation::GroupBy, Some(8), text),
        column(Operation::GroupBy, Some(9), text),
        column(Operation::GroupBy, Some(14), text),
        column(Operation::GroupBy, Some(16), DataType::I4),
        column(Operation::Sum, Some(4), sum),
        column(Operation::Sum, Some(5), sum),
        column(Operation::Average, Some(6), DataType::R8),
        column(Operation::CountAll, None, DataType::UI8),
        column(Operation::CountDistinct, Some(1), DataType::UI4),
    ];
    if many {
        columns.splice(
            0..4,
            [
                column(Operation::GroupBy, Some(15), text),
                column(Operation::GroupBy, Some(0), DataType::I8),
            ],
        );
    }
    let fields = columns
        .iter()
        .map(|column| fletching_expression::types::field(&column.name, &column.data_type));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let output = AggregateOutput { columns };
    let source = Arc::new(lineitem::LineItems::new(6_000_000, threads));
    lineitem::measure("aggregate", threads, memory, || {
        let source = Arc::clone(&source);
        Arc::new(AggregateExec::try_new(source, output.clone(), 1033, Arc::clone(&schema)).unwrap())
    });
}
