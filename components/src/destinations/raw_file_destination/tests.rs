//! Rows through a destination and back through a source, as plans run them.

use std::{fs, path::Path};

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, StringViewArray};
use dtsx::DataType;
use fletching_connections::{Connections, LocalFiles};

use super::*;
use crate::{
    Column, SortedBy,
    destinations::raw_file::RawFileReader,
    flow::{OutputSpec, RowWiseExec, Tally},
    sources::raw_file_source::{RawFileSource, WantedColumn},
    transforms::given::{collect, context, cut, dealt},
};

const NAME: DataType = DataType::WStr { length: 40 };
const PRICE: DataType = DataType::Numeric {
    precision: 12,
    scale: 2,
};

fn columns() -> [(&'static str, DataType); 3] {
    [("id", DataType::I4), ("name", NAME), ("price", PRICE)]
}

fn schema_of(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind)| types::field(name, kind));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn rows(count: i32) -> RecordBatch {
    let names = (0..count).map(|k| (k % 3 > 0).then(|| format!("Žižkov, number {}", k % 1000)));
    let prices = (0..count).map(|k| (k % 7 > 0).then_some(i128::from(k)));
    let columns_made: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(0..count)),
        Arc::new(StringViewArray::from_iter(names)),
        Arc::new(
            Decimal128Array::from_iter(prices)
                .with_precision_and_scale(12, 2)
                .unwrap(),
        ),
    ];
    RecordBatch::try_new(schema_of(&columns()), columns_made).unwrap()
}

fn plan_context(partitions: usize) -> PlanContext {
    PlanContext {
        partitions,
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

fn stated(file: &Path) -> RawFileName {
    RawFileName::Stated(file.display().to_string())
}

fn destination(file: &Path, option: WriteOption) -> RawFileDestination {
    let column = |(name, data_type): (&str, DataType)| Column {
        name: name.to_owned(),
        data_type,
        lineage_id: dtsx::LineageId(name.to_owned()),
        number: 0,
    };
    let key = |column, descending| SortedBy {
        column,
        descending,
        comparison_flags: u32::from(descending),
    };
    let sorted_by = vec![key(1, true), key(0, false), key(2, false)];
    let arriving = columns().map(column).to_vec();
    let input = BoundInput::new("in".into(), arriving, sorted_by, vec![0, 1], vec![0, 1, 2]);
    let columns = vec![(1, "name".to_owned()), (0, "id".to_owned())];
    RawFileDestination {
        path: r"Package\Flow\Keep".to_owned(),
        file: stated(file),
        option,
        schema: file_schema(&input, &columns),
        columns,
    }
}

async fn write(
    settings: &RawFileDestination,
    rows: &RecordBatch,
    plan_context: &PlanContext,
) -> Result<()> {
    let input = dealt(&rows.schema(), cut(rows, 3000), plan_context.partitions);
    let Planned::Sink(plan) = settings.plan(vec![input], plan_context)? else {
        panic!("a destination is a sink");
    };
    collect(plan.as_ref(), 0, &context(8192, None)).await?;
    Ok(())
}

async fn read_back(
    file: &Path,
    wanted: &[(&str, DataType)],
    partitions: usize,
) -> Result<Vec<RecordBatch>> {
    let column = |(name, data_type): &(&str, DataType)| WantedColumn {
        name: (*name).to_owned(),
        output: format!("{name} out"),
        data_type: *data_type,
    };
    let output = OutputSpec {
        name: "out".to_owned(),
        schema: schema_of(wanted),
        is_error: false,
        connected: true,
    };
    let source = RawFileSource {
        path: r"Package\Flow\Take".to_owned(),
        file: stated(file),
        columns: wanted.iter().map(column).collect(),
        outputs: vec![output],
    };
    let Planned::RowWise { input, operator } =
        source.plan(Vec::new(), &plan_context(partitions))?
    else {
        panic!("a source is row-wise");
    };
    let plan = RowWiseExec::try_new(input, operator, 0, Arc::new(Tally::new(1)))?;
    let plan = gather(Arc::new(plan))?;
    collect(plan.as_ref(), 0, &context(8192, None)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_come_back_and_the_file_depends_on_them_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.raw");
    let rows = rows(60_000);
    let mut written = Vec::new();
    for partitions in [1, 2, 7] {
        let plan_context = plan_context(partitions);
        write(
            &destination(&file, WriteOption::CreateAlways),
            &rows,
            &plan_context,
        )
        .await
        .unwrap();
        plan_context.run.commit().unwrap();
        written.push(fs::read(&file).unwrap());
        let wanted = [("id", DataType::I4), ("name", NAME)];
        let batches = read_back(&file, &wanted, partitions).await.unwrap();
        let together = arrow::compute::concat_batches(&schema_of(&wanted), &batches).unwrap();
        assert_eq!(together, rows.project(&[0, 1]).unwrap());
    }
    assert!(written.iter().all(|bytes| *bytes == written[0]));
}

#[tokio::test]
async fn the_file_notes_the_sort_keys_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.raw");
    let settings = destination(&file, WriteOption::CreateOnce);
    let plan_context = plan_context(2);
    write(&settings, &rows(10), &plan_context).await.unwrap();
    assert!(!file.exists(), "before the data flow has succeeded");
    plan_context.run.commit().unwrap();
    let reader = RawFileReader::open(&LocalFiles, &file).unwrap();
    let flag = |at: usize, key: &str| reader.schema().field(at).metadata()[key].clone();
    assert_eq!(flag(0, SORT_KEY_POSITION), "-1");
    assert_eq!(flag(0, COMPARISON_FLAGS), "1");
    assert_eq!(flag(1, SORT_KEY_POSITION), "2");
}

#[tokio::test]
async fn what_does_not_fit_is_named_with_its_component() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.raw");
    let run = plan_context(1);
    write(
        &destination(&file, WriteOption::CreateAlways),
        &rows(10),
        &run,
    )
    .await
    .unwrap();
    run.run.commit().unwrap();
    let cases = [
        (
            "price",
            PRICE,
            "has no column `price`, which output column `price out` reads; it has: name, id;",
        ),
        (
            "name",
            DataType::WStr { length: 20 },
            "is DT_WSTR,40, output column `name out` wants DT_WSTR,20;",
        ),
        ("id", DataType::I8, "DTS_E_RAWMETADATAMISMATCHTYPE"),
    ];
    for (name, data_type, text) in cases {
        let error = read_back(&file, &[(name, data_type)], 2)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(r"Package\Flow\Take: ") && error.contains(text),
            "{error}"
        );
    }
    let twice = plan_context(1);
    let settings = destination(&file, WriteOption::Append);
    write(&settings, &rows(10), &twice).await.unwrap();
    let error = write(&settings, &rows(10), &twice).await.unwrap_err();
    assert!(
        error.to_string().contains("writes the same file"),
        "{error}"
    );

    fs::write(&file, "a file that SSIS itself wrote").unwrap();
    let error = write(&settings, &rows(10), &plan_context(1))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(r"Package\Flow\Keep: ") && error.contains("DTS_E_RAWBADHEADER"),
        "{error}"
    );
    let error = read_back(&file, &[("id", DataType::I4)], 2)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("written by SSIS itself"),
        "{error}"
    );
}
