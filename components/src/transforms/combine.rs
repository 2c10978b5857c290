//! Union All, Merge and Merge Join as components: what their properties say of several inputs (spec `dtsx-format.md`
//! section 4 rule 8, `ssis-semantics.md` sections 3 and 5).
//!
//! * Union All, Merge: input column property `OutputColumnLineageID` names the output column that it feeds.
//! * Merge Join: `JoinType` (0 full, 1 left, 2 inner), `NumKeyColumns`, `TreatNullsAsEqual`; output column property
//!   `InputColumnID` names the input column that it shows. `MaxBuffersPerInput` is accepted and has no effect.
//! * Merge and Merge Join take the keys from the declared order of their inputs.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::Result;
use datafusion_physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use dtsx::SsisCode;

use super::{
    merge::{Merge, MergeExec, MergeKey},
    merge_join::{JoinColumn, JoinKind, JoinSide, MergeJoin, MergeJoinExec},
    settings::{Known, comparison_flags, reject_unknown_everywhere},
    union_all::{UnionAll, UnionAllExec},
};
use crate::{
    Accounting, Binding, BoundInput, Component, ComponentClass, ComponentKind, Finding, Findings,
    PlanContext, Planned, flow::gather,
};

pub static UNION_ALL: ComponentClass = ComponentClass {
    name: "Microsoft.UnionAll",
    kind: ComponentKind::Transform,
    read: read_union_all,
};

pub static MERGE: ComponentClass = ComponentClass {
    name: "Microsoft.Merge",
    kind: ComponentKind::Transform,
    read: read_merge,
};

pub static MERGE_JOIN: ComponentClass = ComponentClass {
    name: "Microsoft.MergeJoin",
    kind: ComponentKind::Transform,
    read: read_merge_join,
};

/// For each output column, the column of this input that feeds it.
fn mapping(
    binding: &Binding<'_>,
    document: &dtsx::Input,
    input: &BoundInput,
    findings: &mut Findings,
) -> Vec<Option<usize>> {
    let Some(output) = binding.component.outputs.first() else {
        return Vec::new();
    };
    let mut mapping = vec![None; output.columns.len()];
    for (column, &position) in document.columns.iter().zip(&input.used) {
        let reference = column
            .properties
            .get("OutputColumnLineageID")
            .unwrap_or_default();
        let bare = reference
            .trim()
            .trim_start_matches('#')
            .trim_start_matches('{')
            .trim_end_matches('}');
        match output.columns.iter().position(|candidate| candidate.lineage_id.0 == bare) {
            Some(at) => mapping[at] = Some(position),
            None => findings.push(binding.finding(format!(
                "input `{}`: column `{}` feeds the output column `{reference}`, which does not exist",
                document.name, input.columns[position].name
            ))),
        }
    }
    for (at, position) in mapping.iter().enumerate() {
        let Some(position) = position else { continue };
        let (from, to) = (&input.columns[*position], &output.columns[at]);
        let (carried, wanted) = (
            fletching_expression::types::arrow_type(&from.data_type),
            fletching_expression::types::arrow_type(&to.data_type),
        );
        if carried != wanted {
            findings.push(binding.finding(format!(
                "input `{}`: column `{}` is {} and feeds `{}`, which is {}: convert it before",
                document.name, from.name, from.data_type, to.name, to.data_type
            )));
        }
    }
    mapping
}

#[derive(Debug)]
struct UnionAllComponent {
    settings: UnionAll,
    schema: SchemaRef,
}

/// Of Union All and Merge.
const MAPPED: Known<'static> = Known {
    component: &[],
    input_column: &["OutputColumnLineageID"],
    output: &[],
    output_column: &[],
};

fn read_union_all(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let mut findings = Findings::default();
    reject_unknown_everywhere(binding, MAPPED, &mut findings);
    let mappings: Vec<Vec<Option<usize>>> = binding
        .component
        .inputs
        .iter()
        .zip(binding.inputs)
        .filter_map(|(document, input)| {
            Some(mapping(binding, document, input.as_ref()?, &mut findings))
        })
        .collect();
    if mappings.is_empty() {
        findings.push(binding.finding("no path arrives at any of its inputs"));
        return Err(findings);
    }
    let settings = UnionAll {
        component: binding.path.to_owned(),
        mapping: mappings,
    };
    findings.none_or(Box::new(UnionAllComponent {
        settings,
        schema: binding.outputs[0].schema(),
    }))
}

impl Component for UnionAllComponent {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let partitions =
            |plan: &Arc<dyn ExecutionPlan>| plan.output_partitioning().partition_count();
        let alike = inputs
            .iter()
            .all(|input| partitions(input) == partitions(&inputs[0]));
        let inputs = if alike {
            inputs
        } else {
            inputs.into_iter().map(gather).collect::<Result<_>>()?
        };
        let operator =
            UnionAllExec::try_new(inputs, self.settings.clone(), Arc::clone(&self.schema))?;
        Ok(Planned::Plan {
            plan: Arc::new(operator),
            accounting: Accounting::Preserving,
        })
    }
}

/// The two inputs of a merge, both attached and sorted, and the keys that they share.
fn sorted_inputs<'a>(
    binding: &Binding<'a>,
    keys_wanted: Option<usize>,
) -> Result<([&'a BoundInput; 2], Vec<MergeKey>), Findings> {
    let attached: Vec<&BoundInput> = binding.inputs.iter().flatten().collect();
    let [left, right] = attached[..] else {
        return Err(binding
            .finding(format!(
                "two inputs are wanted, {} are attached",
                attached.len()
            ))
            .into());
    };
    let mut findings = Findings::default();
    for input in [left, right] {
        if input.sorted_by.is_empty() {
            let mut finding = binding.finding(format!(
                "input `{}` is not sorted: put a Sort before it, or set IsSorted and SortKeyPosition at its source",
                input.name
            ));
            finding.code = Some(SsisCode::INPUT_MUST_BE_SORTED);
            findings.push(finding);
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let count = keys_wanted.unwrap_or(left.sorted_by.len());
    if left.sorted_by.len() < count || right.sorted_by.len() < count || count == 0 {
        findings.push(binding.finding(format!(
            "{count} sort keys are wanted, the inputs have {} and {}",
            left.sorted_by.len(),
            right.sorted_by.len()
        )));
        return Err(findings);
    }
    let keys = left
        .sorted_by
        .iter()
        .zip(&right.sorted_by)
        .take(count)
        .map(|(a, b)| {
            if let Some(finding) = mismatch(binding, left, right, a, b) {
                findings.push(finding);
            }
            let key = &left.columns[a.column];
            let flags = i64::from(a.comparison_flags);
            comparison_flags(binding, &key.name, &key.data_type, flags, &mut findings);
            MergeKey {
                left: a.column,
                right: b.column,
                descending: a.descending,
                comparison_flags: a.comparison_flags,
            }
        });
    let keys = keys.collect();
    findings.none_or(([left, right], keys))
}

fn mismatch(
    binding: &Binding<'_>,
    left: &BoundInput,
    right: &BoundInput,
    a: &crate::SortedBy,
    b: &crate::SortedBy,
) -> Option<Finding> {
    let (x, y) = (&left.columns[a.column], &right.columns[b.column]);
    let same_carrier = fletching_expression::types::arrow_type(&x.data_type)
        == fletching_expression::types::arrow_type(&y.data_type);
    let what = if a.descending != b.descending {
        "direction"
    } else if a.comparison_flags != b.comparison_flags {
        "comparison flags"
    } else if !same_carrier {
        "type"
    } else {
        return None;
    };
    Some(binding.finding(format!(
        "the sort keys `{}` ({}) and `{}` ({}) differ in {what}",
        x.name, x.data_type, y.name, y.data_type
    )))
}

#[derive(Debug)]
struct MergeComponent {
    settings: Merge,
    schema: SchemaRef,
}

fn read_merge(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let ([left, right], keys) = sorted_inputs(binding, None)?;
    let mut findings = Findings::default();
    reject_unknown_everywhere(binding, MAPPED, &mut findings);
    let documents: Vec<&dtsx::Input> = binding
        .component
        .inputs
        .iter()
        .zip(binding.inputs)
        .filter_map(|(document, input)| input.as_ref().map(|_| document))
        .collect();
    let [left_document, right_document] = documents[..] else {
        return Err(binding.finding("two inputs are wanted").into());
    };
    let settings = Merge {
        component: binding.path.to_owned(),
        input_names: [left.name.clone(), right.name.clone()],
        keys,
        mapping: [
            mapping(binding, left_document, left, &mut findings),
            mapping(binding, right_document, right, &mut findings),
        ],
        locale_id: binding.locale_id,
    };
    findings.none_or(Box::new(MergeComponent {
        settings,
        schema: binding.outputs[0].schema(),
    }))
}

impl Component for MergeComponent {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let [left, right] = two(inputs)?;
        let operator = MergeExec::try_new(
            [left, right],
            self.settings.clone(),
            Arc::clone(&self.schema),
        )?;
        Ok(Planned::Plan {
            plan: Arc::new(operator),
            accounting: Accounting::Preserving,
        })
    }
}

fn two(inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<[Arc<dyn ExecutionPlan>; 2]> {
    let gathered = inputs.into_iter().map(gather).collect::<Result<Vec<_>>>()?;
    <[_; 2]>::try_from(gathered).or_else(|inputs| {
        datafusion_common::internal_err!("two inputs are wanted, {} are attached", inputs.len())
    })
}

#[derive(Debug)]
struct MergeJoinComponent {
    settings: MergeJoin,
    schema: SchemaRef,
}

fn read_merge_join(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let properties = &binding.component.properties;
    let keys_wanted = properties
        .int("NumKeyColumns")
        .and_then(|count| usize::try_from(count).ok());
    let ([left, right], keys) = sorted_inputs(binding, keys_wanted)?;
    let mut findings = Findings::default();
    let known = Known {
        component: &[
            "JoinType",
            "NumKeyColumns",
            "TreatNullsAsEqual",
            "MaxBuffersPerInput",
        ],
        output_column: &["InputColumnID"],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let kind = match properties.int("JoinType").unwrap_or(2) {
        0 => JoinKind::Full,
        1 => JoinKind::Left,
        2 => JoinKind::Inner,
        other => {
            findings.push(binding.finding(format!(
                "JoinType {other} is not 0 (full), 1 (left) or 2 (inner)"
            )));
            JoinKind::Inner
        }
    };
    let mut output = Vec::new();
    for column in binding
        .component
        .outputs
        .first()
        .map(|output| output.columns.as_slice())
        .unwrap_or_default()
    {
        let reference = column.properties.get("InputColumnID").unwrap_or_default();
        match join_column(binding, left, right, reference) {
            Some(found) => output.push(found),
            None => findings.push(binding.finding(format!(
                "output column `{}` shows the input column `{reference}`, which does not arrive",
                column.name
            ))),
        }
    }
    let settings = MergeJoin {
        component: binding.path.to_owned(),
        input_names: [left.name.clone(), right.name.clone()],
        kind,
        keys,
        nulls_equal: properties.bool("TreatNullsAsEqual").unwrap_or(true),
        output,
        locale_id: binding.locale_id,
    };
    findings.none_or(Box::new(MergeJoinComponent {
        settings,
        schema: binding.outputs[0].schema(),
    }))
}

/// `InputColumnID` names an input column by its own id; in some files by its lineage.
fn join_column(
    binding: &Binding<'_>,
    left: &BoundInput,
    right: &BoundInput,
    reference: &str,
) -> Option<JoinColumn> {
    let bare = reference
        .trim()
        .trim_start_matches('#')
        .trim_start_matches('{')
        .trim_end_matches('}');
    let documents = binding
        .component
        .inputs
        .iter()
        .zip(binding.inputs)
        .filter_map(|(document, input)| Some((document, input.as_ref()?)));
    for ((document, input), side) in documents.zip([JoinSide::Left, JoinSide::Right]) {
        if let Some(at) = document.columns.iter().position(|column| column.id == bare) {
            return Some(JoinColumn {
                side,
                column: input.used[at],
            });
        }
    }
    let by_lineage = |input: &BoundInput, side| {
        Some(JoinColumn {
            side,
            column: input.position(bare)?,
        })
    };
    by_lineage(left, JoinSide::Left).or_else(|| by_lineage(right, JoinSide::Right))
}

impl Component for MergeJoinComponent {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let [left, right] = two(inputs)?;
        let operator =
            MergeJoinExec::try_new(left, right, self.settings.clone(), Arc::clone(&self.schema))?;
        Ok(Planned::Plan {
            plan: Arc::new(operator),
            accounting: Accounting::Combining,
        })
    }
}
