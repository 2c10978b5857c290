//! The operators of a Lookup whose reference is in a cache.

use std::sync::Arc;

use arrow::{
    array::{AsArray, Int32Array, RecordBatch, StringViewArray},
    datatypes::{Int32Type, Schema, SchemaRef},
};
use datafusion_common::Result;
use datafusion_execution::{TaskContext, memory_pool::MemoryConsumer};
use dtsx::{DataType, Disposition};
use fletching_connections::Connections;
use fletching_expression::types;

use crate::{
    CacheTable, Component, PlanContext, Planned,
    flow::{OutputSpec, RowWiseExec, RunState, Tally},
    transforms::{
        Place,
        given::{Given, collect, context, given},
        lookup::{Copied, Join, Lookup, NoMatch, Source, Wanted, component::Settings},
    },
};

const TEXT: DataType = DataType::WStr { length: 40 };

fn input_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![types::field("id", &DataType::I4)]))
}

fn settings() -> Settings {
    let output = Schema::new(vec![
        types::field("id", &DataType::I4),
        types::field("name", &TEXT),
    ]);
    let wanted = |name: &str, data_type| Wanted {
        name: name.to_owned(),
        data_type,
    };
    Settings(Arc::new(Lookup {
        path: "Lookup".to_owned(),
        outputs: vec![OutputSpec {
            name: "Match".to_owned(),
            schema: Arc::new(output),
            is_error: false,
            connected: true,
        }],
        match_output: 0,
        no_match_output: None,
        no_match: NoMatch::Error(Disposition::IgnoreFailure),
        source: Source::Cache {
            manager: "People".to_owned(),
        },
        columns: vec![wanted("id", DataType::I4), wanted("name", TEXT)],
        declared: None,
        joins: vec![Join {
            input: 0,
            column: 0,
        }],
        copies: vec![Copied {
            column: 1,
            place: Place::Append,
        }],
        duplicates_fail: false,
        locale_id: 1033,
    }))
}

fn plan_context() -> PlanContext {
    PlanContext {
        partitions: 2,
        batch_size: 8192,
        morsel_bytes: 1 << 20,
        connections: Arc::new(Connections::new(Vec::new())),
        drift: crate::Drift::default(),
        sessions: Arc::default(),
        caches: Arc::default(),
        run: Arc::new(RunState::default()),
        shares_session: false,
    }
}

fn fill(plan_context: &PlanContext, task: &TaskContext, rows: i32) {
    let schema = Arc::new(Schema::new(vec![
        types::field("name", &TEXT),
        types::field("id", &DataType::I4),
    ]));
    let names = (0..rows).map(|row| format!("a name that is long enough, {row}"));
    let names = StringViewArray::from_iter_values(names);
    let ids = Int32Array::from_iter_values(0..rows);
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(names), Arc::new(ids)]);
    let table = CacheTable {
        schema,
        batches: vec![batch.unwrap()],
        reservation: MemoryConsumer::new("cache").register(task.memory_pool()),
    };
    plan_context.caches.put("PEOPLE", table);
}

fn planned(plan_context: &PlanContext, partitions: Vec<Vec<Given>>) -> RowWiseExec {
    let input = given(&input_schema(), partitions);
    let planned = settings().plan(vec![input], plan_context).unwrap();
    let Planned::RowWise { input, operator } = planned else {
        panic!("a lookup is row-wise")
    };
    RowWiseExec::try_new(input, operator, 0, Arc::new(Tally::new(1))).unwrap()
}

fn ids(values: &[i32]) -> Given {
    let ids = Int32Array::from(values.to_vec());
    Given::Batch(RecordBatch::try_new(input_schema(), vec![Arc::new(ids)]).unwrap())
}

async fn failure(plan: &RowWiseExec, partition: usize, task: &Arc<TaskContext>) -> String {
    let collected: Result<Vec<RecordBatch>> = collect(plan, partition, task).await;
    collected.unwrap_err().strip_backtrace()
}

#[tokio::test]
async fn all_partitions_see_the_reference() {
    let (plan_context, task) = (plan_context(), context(8192, None));
    fill(&plan_context, &task, 1000);
    let plan = planned(
        &plan_context,
        vec![vec![ids(&[7, 2000])], vec![ids(&[999])]],
    );
    let first = collect(&plan, 0, &task).await.unwrap();
    let second = collect(&plan, 1, &task).await.unwrap();
    let names = first[0].column(1).as_string_view();
    assert_eq!(names.value(0), "a name that is long enough, 7");
    assert_eq!(first[0].column(1).null_count(), 1);
    assert_eq!(
        second[0].column(0).as_primitive::<Int32Type>().value(0),
        999
    );
    assert_eq!(second[0].column(1).null_count(), 0);
}

#[tokio::test]
async fn a_reference_that_is_not_there_fails_without_rows() {
    let (plan_context, task) = (plan_context(), context(8192, None));
    let plan = planned(&plan_context, vec![vec![], vec![]]);
    for partition in [0, 1] {
        let message = failure(&plan, partition, &task).await;
        assert!(message.contains("`People` is not filled"), "{message}");
    }
}

#[tokio::test]
async fn a_reference_larger_than_memory_says_what_to_do() {
    let (plan_context, task) = (plan_context(), context(8192, Some(100_000)));
    fill(&plan_context, &task, 10_000);
    let plan = planned(&plan_context, vec![vec![ids(&[1])]]);
    let message = failure(&plan, 0, &task).await;
    assert!(message.contains("raise --memory"), "{message}");
    assert_eq!(task.memory_pool().reserved(), 0);
}

#[tokio::test]
async fn memory_is_given_back() {
    let (plan_context, task) = (plan_context(), context(8192, Some(10 << 20)));
    fill(&plan_context, &task, 10_000);
    let plan = planned(&plan_context, vec![vec![ids(&[1])]]);
    collect(&plan, 0, &task).await.unwrap();
    assert!(task.memory_pool().reserved() > 10_000 * 40);
    drop(plan);
    assert_eq!(task.memory_pool().reserved(), 0);
}
