//! The aggregate against sums over plain vectors, at any partitioning, batch size and memory limit.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array, Int64Array,
        StringViewArray, UInt64Array,
    },
    compute::concat_batches,
    datatypes::{
        DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef,
        UInt32Type, UInt64Type,
    },
    record_batch::RecordBatch,
};
use datafusion_physical_plan::{ExecutionPlan, collect};
use dtsx::DataType as SsisType;

use super::*;
use crate::transforms::given::{context, partitioned};

fn input_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8View, true),
        Field::new("number", DataType::Int32, true),
        Field::new("price", DataType::Decimal128(15, 2), true),
        Field::new("rate", DataType::Float64, true),
        Field::new("big", DataType::Int64, true),
    ]))
}

fn mix(row: usize, salt: usize) -> usize {
    (row * 7919 + salt * 104_729) % 65_537
}

fn rows(count: usize, names: usize) -> RecordBatch {
    let name = |row: usize| match mix(row, 1) % names {
        0 => None,
        name if row.is_multiple_of(2) => Some(format!("NAME {name}, in capitals")),
        name => Some(format!("name {name}, in capitals")),
    };
    let numbers = (0..count).map(|row| (row % 5 != 0).then_some(mix(row, 2) as i32 % 100 - 50));
    let prices =
        (0..count).map(|row| (row % 7 != 0).then_some(mix(row, 3) as i128 * 10_000_000 - 1));
    let rates = (0..count).map(|row| {
        (row % 3 != 0).then_some(1.0 / (mix(row, 4) + 1) as f64 * 10f64.powi(row as i32 % 40))
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new((0..count).map(name).collect::<StringViewArray>()),
        Arc::new(numbers.collect::<Int32Array>()),
        Arc::new(
            prices
                .collect::<Decimal128Array>()
                .with_precision_and_scale(15, 2)
                .unwrap(),
        ),
        Arc::new(rates.collect::<Float64Array>()),
        Arc::new(
            (0..count)
                .map(|row| Some(i64::MAX - row as i64 % 9))
                .collect::<Int64Array>(),
        ),
    ];
    RecordBatch::try_new(input_schema(), columns).unwrap()
}

fn column(operation: Operation, input: Option<usize>, data_type: SsisType) -> AggregateColumn {
    AggregateColumn {
        name: format!("{operation:?} {input:?}"),
        operation,
        input,
        data_type,
        comparison_flags: 1,
    }
}

fn every_operation() -> AggregateOutput {
    let numeric = |precision, scale| SsisType::Numeric { precision, scale };
    AggregateOutput {
        columns: vec![
            column(Operation::GroupBy, Some(0), SsisType::WStr { length: 50 }),
            column(Operation::CountAll, None, SsisType::UI8),
            column(Operation::Count, Some(1), SsisType::UI8),
            column(Operation::CountDistinct, Some(1), SsisType::UI4),
            column(Operation::CountDistinct, Some(0), SsisType::UI4),
            column(Operation::CountDistinct, Some(2), SsisType::UI4),
            column(Operation::CountDistinct, Some(3), SsisType::UI4),
            column(Operation::Sum, Some(1), SsisType::I8),
            column(Operation::Sum, Some(2), numeric(38, 2)),
            column(Operation::Sum, Some(3), SsisType::R8),
            column(Operation::Average, Some(2), SsisType::R8),
            column(Operation::Average, Some(3), SsisType::R8),
            column(Operation::Average, Some(1), numeric(20, 3)),
            column(Operation::Minimum, Some(2), numeric(15, 2)),
            column(Operation::Maximum, Some(3), SsisType::R8),
            column(Operation::Minimum, Some(1), SsisType::I4),
        ],
    }
}

fn schema_of(output: &AggregateOutput) -> SchemaRef {
    let fields = output
        .columns
        .iter()
        .map(|column| fletching_expression::types::field(&column.name, &column.data_type));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn operator(
    input: &RecordBatch,
    output: &AggregateOutput,
    threads: usize,
) -> datafusion_common::Result<Arc<dyn ExecutionPlan>> {
    let source = partitioned(input, threads, 150);
    Ok(Arc::new(AggregateExec::try_new(
        source,
        output.clone(),
        1033,
        schema_of(output),
    )?))
}

async fn aggregated(
    input: &RecordBatch,
    output: &AggregateOutput,
    threads: usize,
    batch_size: usize,
    memory: Option<usize>,
) -> (Vec<RecordBatch>, bool) {
    let plan = operator(input, output, threads).unwrap();
    let batches = collect(Arc::clone(&plan), context(batch_size, memory))
        .await
        .unwrap();
    (batches, plan.metrics().unwrap().spill_count().unwrap() > 0)
}

/// Rows of each group, in order of first appearance.
fn groups(input: &RecordBatch) -> Vec<Vec<usize>> {
    let names = input.column(0).as_string_view();
    let (mut keys, mut groups): (Vec<Option<String>>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
    for row in 0..input.num_rows() {
        let key = names.is_valid(row).then(|| names.value(row).to_lowercase());
        match keys.iter().position(|known| *known == key) {
            Some(group) => groups[group].push(row),
            None => {
                keys.push(key);
                groups.push(vec![row]);
            }
        }
    }
    groups
}

#[tokio::test]
async fn every_operation_equals_the_plain_one() {
    let input = rows(1000, 17);
    let (batches, _) = aggregated(&input, &every_operation(), 3, 8192, None).await;
    let output = concat_batches(&batches[0].schema(), &batches).unwrap();
    let groups = groups(&input);
    assert_eq!(output.num_rows(), groups.len());
    let names = input.column(0).as_string_view();
    let numbers = input.column(1).as_primitive::<Int32Type>();
    let prices = input.column(2).as_primitive::<Decimal128Type>();
    let rates = input.column(3).as_primitive::<Float64Type>();
    for (group, rows) in groups.iter().enumerate() {
        let shown = output.column(0).as_string_view();
        assert_eq!(
            shown.is_valid(group).then(|| shown.value(group)),
            names.is_valid(rows[0]).then(|| names.value(rows[0]))
        );
        let of = |array: &dyn Array| {
            rows.iter()
                .copied()
                .filter(|row| array.is_valid(*row))
                .collect::<Vec<_>>()
        };
        let ui8 = |column: usize| {
            output
                .column(column)
                .as_primitive::<UInt64Type>()
                .value(group) as usize
        };
        let ui4 = |column: usize| {
            output
                .column(column)
                .as_primitive::<UInt32Type>()
                .value(group) as usize
        };
        let r8 = |column: usize| {
            output
                .column(column)
                .as_primitive::<Float64Type>()
                .value(group)
        };
        let group_numbers: Vec<i32> = of(numbers).iter().map(|row| numbers.value(*row)).collect();
        let group_prices: Vec<i128> = of(prices).iter().map(|row| prices.value(*row)).collect();
        let group_rates: Vec<f64> = of(rates).iter().map(|row| rates.value(*row)).collect();
        assert_eq!((ui8(1), ui8(2)), (rows.len(), group_numbers.len()));
        assert_eq!(ui4(3), group_numbers.iter().collect::<HashSet<_>>().len());
        assert_eq!(
            ui4(4),
            usize::from(names.is_valid(rows[0])),
            "names of a group differ in case only"
        );
        assert_eq!(ui4(5), group_prices.iter().collect::<HashSet<_>>().len());
        assert_eq!(
            ui4(6),
            group_rates
                .iter()
                .map(|rate| rate.to_bits())
                .collect::<HashSet<_>>()
                .len()
        );
        let sum: i64 = group_numbers.iter().map(|number| i64::from(*number)).sum();
        assert_eq!(
            output.column(7).as_primitive::<Int64Type>().value(group),
            sum
        );
        let total: i128 = group_prices.iter().sum();
        assert_eq!(
            output
                .column(8)
                .as_primitive::<Decimal128Type>()
                .value(group),
            total
        );
        let near = |found: f64, wanted: f64| (found - wanted).abs() <= wanted.abs() * 1e-12;
        assert!(near(r8(9), group_rates.iter().sum()));
        assert!(near(
            r8(10),
            total as f64 / 100.0 / group_prices.len() as f64
        ));
        assert!(near(
            r8(11),
            group_rates.iter().sum::<f64>() / group_rates.len() as f64
        ));
        let average = (sum as f64 * 1000.0 / group_numbers.len() as f64).round() as i128;
        assert_eq!(
            output
                .column(12)
                .as_primitive::<Decimal128Type>()
                .value(group),
            average
        );
        assert_eq!(
            output
                .column(13)
                .as_primitive::<Decimal128Type>()
                .value(group),
            *group_prices.iter().min().unwrap()
        );
        assert_eq!(r8(14), group_rates.iter().copied().fold(f64::MIN, f64::max));
        assert_eq!(
            output.column(15).as_primitive::<Int32Type>().value(group),
            *group_numbers.iter().min().unwrap()
        );
    }
}

#[tokio::test]
async fn the_output_is_the_same_at_any_partitioning_and_memory_limit() {
    let input = rows(1400, 600);
    for batch_size in [1, 3, 8192] {
        let (expected, spilled) = aggregated(&input, &every_operation(), 1, batch_size, None).await;
        assert!(!spilled);
        assert_eq!(
            expected.iter().map(RecordBatch::num_rows).sum::<usize>(),
            600
        );
        for threads in [1, 2, 7] {
            for memory in [Some(32 << 10), Some(150 << 10), None] {
                let (found, spilled) =
                    aggregated(&input, &every_operation(), threads, batch_size, memory).await;
                let what = format!("{threads} threads, {batch_size} rows, {memory:?} bytes");
                assert_eq!(found.len(), expected.len(), "{what}");
                assert!(
                    found
                        .iter()
                        .zip(&expected)
                        .all(|(found, expected)| found == expected),
                    "{what}"
                );
                assert_eq!(spilled, memory.is_some(), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_group_of_nulls_has_no_sum_but_counts() {
    let nulls: Vec<ArrayRef> = input_schema()
        .fields()
        .iter()
        .map(|field| arrow::array::new_null_array(field.data_type(), 4))
        .collect();
    let input = RecordBatch::try_new(input_schema(), nulls).unwrap();
    let (batches, _) = aggregated(&input, &every_operation(), 2, 100, None).await;
    assert_eq!(batches[0].num_rows(), 1);
    let nulls: Vec<usize> = (0..16)
        .filter(|column| batches[0].column(*column).is_null(0))
        .collect();
    assert_eq!(nulls, [0, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!(
        batches[0].column(1).as_ref(),
        &UInt64Array::from(vec![4]) as &dyn Array
    );
}

#[tokio::test]
async fn without_group_by_all_rows_are_one_group_and_no_rows_none() {
    let output = AggregateOutput {
        columns: vec![column(Operation::Sum, Some(1), SsisType::I8)],
    };
    let (batches, _) = aggregated(&rows(500, 3), &output, 2, 100, None).await;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    let (batches, _) = aggregated(&rows(0, 3), &output, 2, 100, None).await;
    assert!(batches.is_empty());
}

#[tokio::test]
async fn a_sum_beyond_its_type_fails() {
    let output = AggregateOutput {
        columns: vec![column(Operation::Sum, Some(4), SsisType::I8)],
    };
    let plan = operator(&rows(10, 3), &output, 1).unwrap();
    let error = collect(plan, context(10, None)).await.unwrap_err();
    assert!(error.to_string().contains("0xC0209011"), "{error}");
    let wide = SsisType::Numeric {
        precision: 38,
        scale: 0,
    };
    let output = AggregateOutput {
        columns: vec![column(Operation::Sum, Some(4), wide)],
    };
    let (batches, _) = aggregated(&rows(3, 3), &output, 1, 100, None).await;
    let sum = batches[0]
        .column(0)
        .as_primitive::<Decimal128Type>()
        .value(0);
    assert_eq!(sum, 3 * i128::from(i64::MAX) - 3);
}

#[test]
fn settings_that_do_not_fit_are_named() {
    let cases = [
        (
            Operation::Minimum,
            Some(0),
            SsisType::WStr { length: 50 },
            "is not possible",
        ),
        (Operation::Sum, Some(0), SsisType::I8, "is not possible"),
        (Operation::Sum, Some(3), SsisType::I8, "cannot be"),
        (Operation::GroupBy, Some(0), SsisType::I4, "cannot be"),
        (Operation::Count, None, SsisType::UI8, "found None"),
        (Operation::Count, Some(9), SsisType::UI8, "found Some(9)"),
    ];
    for (operation, input, data_type, expected) in cases {
        let output = AggregateOutput {
            columns: vec![column(operation, input, data_type)],
        };
        let error = operator(&rows(1, 3), &output, 1).unwrap_err();
        assert!(
            error.to_string().contains(expected),
            "{operation:?}: {error}"
        );
    }
}
