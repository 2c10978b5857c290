//! Groups with their accumulators: what one partition makes of its rows, and what partitions are merged into.
//!
//! A state can be written as batches (group-by columns, the place of the first row, the accumulators' states) and read
//! back into another state.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, RecordBatchOptions, UInt64Array},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Decimal128Type, Field, Schema, SchemaRef, UInt64Type},
    record_batch::RecordBatch,
};
use datafusion_common::{Result, internal_err, resources_datafusion_err};
use fletching_expression::types::exact_range;

use super::{
    AggregateColumn, AggregateError, AggregateOutput, Operation,
    accumulators::{Accumulator, accumulator},
    groups::Groups,
};

/// Everything that says how to aggregate, checked.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) columns: Vec<AggregateColumn>,
    pub(super) input: SchemaRef,
    pub(super) output: SchemaRef,
    pub(super) locale_id: u32,
}

impl Plan {
    /// # Errors
    /// [`AggregateError`], for settings that do not fit the input or the output.
    pub(super) fn try_new(
        output: AggregateOutput,
        input: SchemaRef,
        schema: SchemaRef,
        locale_id: u32,
    ) -> Result<Self> {
        let plan = Self {
            columns: output.columns,
            input,
            output: schema,
            locale_id,
        };
        plan.check()?;
        State::try_new(&plan)?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), AggregateError> {
        let columns = self.input.fields().len();
        for (index, column) in self.columns.iter().enumerate() {
            let optional = column.operation == Operation::CountAll;
            if column.input.map_or(!optional, |input| input >= columns) {
                return Err(AggregateError::NoSuchColumn {
                    name: column.name.clone(),
                    operation: column.operation,
                    found: column.input,
                    columns,
                });
            }
            self.check_blob(column)?;
            let wanted = fletching_expression::types::arrow_type(&column.data_type);
            let found = self
                .output
                .fields()
                .get(index)
                .map(|field| field.data_type().clone());
            if found.as_ref() != Some(&wanted) {
                let found = found.map_or("nothing".to_owned(), |found| found.to_string());
                return Err(AggregateError::Schema {
                    column: index,
                    found,
                    wanted: wanted.to_string(),
                });
            }
        }
        match self.output.fields().get(self.columns.len()) {
            None => Ok(()),
            Some(field) => Err(AggregateError::Schema {
                column: self.columns.len(),
                found: field.data_type().to_string(),
                wanted: "nothing".to_owned(),
            }),
        }
    }

    /// Long text and images cannot be compared.
    fn check_blob(&self, column: &AggregateColumn) -> Result<(), AggregateError> {
        let compares = matches!(
            column.operation,
            Operation::GroupBy | Operation::CountDistinct
        );
        let field = column
            .input
            .and_then(|input| self.input.fields().get(input))
            .filter(|_| compares);
        match field.and_then(|field| fletching_expression::types::data_type(field)) {
            Some(
                found @ (dtsx::DataType::Text { .. }
                | dtsx::DataType::NText
                | dtsx::DataType::Image),
            ) => Err(AggregateError::InputType {
                name: column.name.clone(),
                operation: column.operation,
                found: found.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn input_type(&self, column: &AggregateColumn) -> Option<&DataType> {
        column
            .input
            .and_then(|input| self.input.fields().get(input))
            .map(|field| field.data_type())
    }

    fn group_columns(&self) -> impl Iterator<Item = &AggregateColumn> {
        self.columns
            .iter()
            .filter(|column| column.operation == Operation::GroupBy)
    }
}

/// Groups and their accumulators.
pub(super) struct State {
    groups: Groups,
    /// In the order of the output's columns, without those of group-by columns.
    accumulators: Vec<Box<dyn Accumulator>>,
    row_groups: Vec<u32>,
}

impl State {
    pub(super) fn try_new(plan: &Plan) -> Result<Self> {
        let mut keys = Vec::new();
        for column in plan.group_columns() {
            if let Some(data_type) = plan.input_type(column) {
                keys.push((data_type.clone(), column.comparison_flags));
            }
        }
        let groups = Groups::try_new(&keys, plan.locale_id)?;
        Ok(Self {
            groups,
            accumulators: accumulators(plan)?,
            row_groups: Vec::new(),
        })
    }

    /// No groups; what was there is returned.
    pub(super) fn take(&mut self, plan: &Plan) -> Result<Self> {
        let emptied = Self {
            groups: self.groups.emptied(),
            accumulators: accumulators(plan)?,
            row_groups: Vec::new(),
        };
        Ok(std::mem::replace(self, emptied))
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn size(&self) -> usize {
        self.groups.size()
            + self
                .accumulators
                .iter()
                .map(|accumulator| accumulator.size())
                .sum::<usize>()
    }

    pub(super) fn first_rows(&self) -> &[u64] {
        self.groups.first_rows()
    }

    pub(super) fn key_bytes(&self, group: u32, out: &mut Vec<u8>) {
        self.groups.key_bytes(group, out);
    }

    /// Takes a batch of the input.
    pub(super) fn update(
        &mut self,
        plan: &Plan,
        batch: &RecordBatch,
        batch_number: u64,
    ) -> Result<()> {
        let Ok(batch_number) = u32::try_from(batch_number) else {
            return Err(resources_datafusion_err!(
                "an aggregate has read more than {} batches",
                u32::MAX
            ));
        };
        let first = u64::from(batch_number) << 32;
        let keys: Vec<ArrayRef> = plan
            .group_columns()
            .filter_map(|column| column.input.map(|input| Arc::clone(batch.column(input))))
            .collect();
        self.row_groups.clear();
        self.groups.assign(
            &keys,
            batch.num_rows(),
            |row| first | row as u64,
            &mut self.row_groups,
        )?;
        let columns = plan
            .columns
            .iter()
            .filter(|column| column.operation != Operation::GroupBy);
        for (accumulator, column) in self.accumulators.iter_mut().zip(columns) {
            let values = column
                .input
                .filter(|_| column.operation != Operation::CountAll);
            let values = values.map(|input| batch.column(input));
            accumulator.update(values, &self.row_groups, self.groups.len())?;
        }
        Ok(())
    }

    /// Takes a batch made by [`State::batch`].
    pub(super) fn merge(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys = batch.num_columns() - self.state_columns();
        let (keys, rest) = batch.columns().split_at(keys);
        let Some((first_rows, mut rest)) = rest.split_first() else {
            return internal_err!("the state of groups has no first rows");
        };
        let first_rows = first_rows.as_primitive::<UInt64Type>().values();
        self.row_groups.clear();
        self.groups.assign(
            keys,
            batch.num_rows(),
            |row| first_rows[row],
            &mut self.row_groups,
        )?;
        for accumulator in &mut self.accumulators {
            let (state, after) = rest.split_at(accumulator.state_fields().len());
            accumulator.merge(state, &self.row_groups, self.groups.len())?;
            rest = after;
        }
        Ok(())
    }

    fn state_columns(&self) -> usize {
        1 + self
            .accumulators
            .iter()
            .map(|accumulator| accumulator.state_fields().len())
            .sum::<usize>()
    }

    /// Schema of the batches of states.
    pub(super) fn schema(&self, plan: &Plan) -> SchemaRef {
        let keys = plan
            .group_columns()
            .filter_map(|column| plan.input_type(column));
        let keys = keys
            .enumerate()
            .map(|(index, key)| Field::new(format!("key {index}"), key.clone(), true));
        let first_row = std::iter::once(Field::new("first row", DataType::UInt64, false));
        let states = self
            .accumulators
            .iter()
            .flat_map(|accumulator| accumulator.state_fields());
        Arc::new(Schema::new(
            keys.chain(first_row).chain(states).collect::<Vec<_>>(),
        ))
    }

    /// Called before the calls of [`State::batch`]: no rows come any more.
    pub(super) fn prepare(&mut self) {
        self.accumulators
            .iter_mut()
            .for_each(|accumulator| accumulator.prepare_state());
    }

    /// These groups as a batch of states.
    pub(super) fn batch(&self, groups: &[u32], schema: &SchemaRef) -> Result<RecordBatch> {
        let mut columns = self.groups.arrays(groups)?;
        columns.push(self.places(groups));
        for accumulator in &self.accumulators {
            columns.extend(accumulator.state(groups)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }

    /// Places of the groups' first rows.
    pub(super) fn places(&self, groups: &[u32]) -> ArrayRef {
        let first_rows = self.first_rows();
        Arc::new(
            groups
                .iter()
                .map(|group| first_rows[*group as usize])
                .collect::<UInt64Array>(),
        )
    }

    /// The rows that these groups make.
    ///
    /// # Errors
    /// [`AggregateError::Overflow`].
    pub(super) fn finish(&self, plan: &Plan, groups: &[u32]) -> Result<RecordBatch> {
        let mut keys = self.groups.arrays(groups)?.into_iter();
        let mut accumulators = self.accumulators.iter();
        let mut columns = Vec::with_capacity(plan.columns.len());
        for (column, field) in plan.columns.iter().zip(plan.output.fields()) {
            let array = match column.operation {
                Operation::GroupBy => keys.next(),
                _ => accumulators
                    .next()
                    .map(|accumulator| accumulator.finish(groups))
                    .transpose()?,
            };
            let Some(array) = array else {
                return internal_err!("aggregate column `{}` has no values", column.name);
            };
            let options = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            let overflow = || AggregateError::Overflow {
                name: column.name.clone(),
                declared: column.data_type.to_string(),
            };
            let array =
                cast_with_options(&array, field.data_type(), &options).map_err(|_| overflow())?;
            if !is_in_range(&array, &column.data_type) {
                return Err(overflow().into());
            }
            columns.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(groups.len()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&plan.output),
            columns,
            &options,
        )?)
    }
}

/// A carrier of DT_CY or DT_DECIMAL holds more than these types do.
fn is_in_range(array: &ArrayRef, data_type: &dtsx::DataType) -> bool {
    let narrow = matches!(
        data_type,
        dtsx::DataType::Cy | dtsx::DataType::Decimal { .. }
    );
    let range = exact_range(data_type);
    match array.as_primitive_opt::<Decimal128Type>() {
        Some(numbers) if narrow => numbers
            .iter()
            .flatten()
            .all(|number| range.contains(&number)),
        _ => true,
    }
}

fn accumulators(plan: &Plan) -> Result<Vec<Box<dyn Accumulator>>> {
    let columns = plan.columns.iter().zip(plan.output.fields());
    let mut accumulators = Vec::new();
    for (column, field) in columns {
        let new = accumulator(
            column,
            plan.input_type(column),
            field.data_type(),
            plan.locale_id,
        )?;
        if column.operation != Operation::GroupBy {
            accumulators.push(new);
        }
    }
    Ok(accumulators)
}
