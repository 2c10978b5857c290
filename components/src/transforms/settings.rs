//! What `read` checks alike in every component: unknown properties and values, flags of comparison, the shape of outputs.

use std::sync::Arc;

use datafusion_common::{DataFusionError, internal_err};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, Disposition, Properties, Property, SsisCode, parse_bool};
use fletching_expression::collation::Collation;

use crate::{Binding, BoundInput, BoundOutput, Finding, Findings};

/// Properties that hold `True` or `False`, whatever the component.
const BOOLEANS: &[&str] = &[
    "EliminateDuplicates",
    "EnableInferredMember",
    "EscapeQualifier",
    "FailOnFixedAttributeChange",
    "FailOnLookupFailure",
    "FailOnTimeout",
    "FastParse",
    "IsDefaultOut",
    "Overwrite",
    "RetainNulls",
    "TreatDuplicateKeysAsError",
    "TreatNullsAsEqual",
    "UpdateChangingAttributeHistory",
    "UseBinaryFormat",
];

/// Properties that hold a whole number.
const INTEGERS: &[&str] = &[
    "AccessMode",
    "AggregationComparisonFlags",
    "AggregationType",
    "CacheType",
    "ColumnType",
    "ConnectionType",
    "EvaluationOrder",
    "IncomingRowChangeType",
    "JoinType",
    "LineageItemSelected",
    "MapFlags",
    "MaxMemoryUsage",
    "MaxMemoryUsage64",
    "NewComparisonFlags",
    "NewSortKeyPosition",
    "NoMatchBehavior",
    "NoMatchCachePercentage",
    "NumKeyColumns",
    "ReadTimeout",
    "WriteOption",
];

/// A value that is not what its property holds: it would pass for the default.
fn check_value(binding: &Binding<'_>, place: &str, property: &Property) -> Option<Finding> {
    let is_in = |list: &[&str]| {
        list.iter()
            .any(|name| name.eq_ignore_ascii_case(&property.name))
    };
    let value = property.value.trim();
    let wanted = match () {
        () if value.is_empty() => return None,
        () if is_in(BOOLEANS) && parse_bool(value).is_none() => "True or False",
        () if is_in(INTEGERS) && value.parse::<i64>().is_err() => "a whole number",
        () => return None,
    };
    Some(binding.finding(format!(
        "property `{}` of {place} is `{value}`, {wanted} is wanted",
        property.name
    )))
}

/// The comparison flags of a key, whose order is known if the key is text.
pub(crate) fn comparison_flags(
    binding: &Binding<'_>,
    column: &str,
    data_type: &DataType,
    flags: i64,
    findings: &mut Findings,
) -> u32 {
    let Ok(flags) = u32::try_from(flags) else {
        findings.push(binding.finding(format!(
            "column `{column}`: comparison flags {flags} are negative"
        )));
        return 0;
    };
    if let DataType::Str { .. } | DataType::WStr { .. } = data_type
        && let Err(error) = Collation::try_new(binding.locale_id, flags)
    {
        findings.push(binding.unsupported(format!("column `{column}`: {error}")));
    }
    flags
}

/// A finding for each property that is not in `known`: it could change results, and we would not know how.
pub(crate) fn reject_unknown(
    binding: &Binding<'_>,
    place: &str,
    properties: &Properties,
    known: &[&str],
    findings: &mut Findings,
) {
    for property in properties.iter() {
        findings.0.extend(check_value(binding, place, property));
        if !known
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&property.name))
        {
            let expected = match known {
                [] => "it takes none".to_owned(),
                _ => format!("it takes {}", known.join(", ")),
            };
            findings.push(binding.unsupported(format!(
                "property `{}` of {place} (value `{}`) is not known: {expected}",
                property.name, property.value
            )));
        }
    }
}

/// [`reject_unknown`] for a component whose inputs, outputs and columns carry no properties but those that the caller
/// checks itself.
pub(crate) fn reject_unknown_everywhere(
    binding: &Binding<'_>,
    known: Known<'_>,
    findings: &mut Findings,
) {
    let component = binding.component;
    reject_unknown(
        binding,
        "the component",
        &component.properties,
        known.component,
        findings,
    );
    for input in &component.inputs {
        reject_unknown(
            binding,
            &format!("input `{}`", input.name),
            &input.properties,
            &[],
            findings,
        );
        for column in &input.columns {
            let place = format!("input column `{}`", column.name);
            reject_unknown(
                binding,
                &place,
                &column.properties,
                known.input_column,
                findings,
            );
        }
    }
    for output in &component.outputs {
        reject_unknown(
            binding,
            &format!("output `{}`", output.name),
            &output.properties,
            known.output,
            findings,
        );
        for column in &output.columns {
            let place = format!("output column `{}`", column.name);
            reject_unknown(
                binding,
                &place,
                &column.properties,
                known.output_column,
                findings,
            );
        }
    }
}

/// `User::X` -> (`User`, `X`); `X` -> (none, `X`), the nearest of that name.
pub(crate) fn namespace_and_name(variable: &str) -> (Option<&str>, &str) {
    match variable.split_once("::") {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, variable),
    }
}

/// Variables in scope that a component may set, for suggestions.
pub(crate) fn settable_names(binding: &Binding<'_>) -> Vec<String> {
    let mut names = binding.variables.names();
    names.retain(|name| !name.starts_with("System::"));
    names
}

/// Property names that a component takes, by where they stand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    pub(crate) component: &'a [&'a str],
    pub(crate) input_column: &'a [&'a str],
    pub(crate) output: &'a [&'a str],
    pub(crate) output_column: &'a [&'a str],
}

/// The findings of a component that takes these properties, and none on its inputs, outputs and columns.
pub(crate) fn unknown_properties(binding: &Binding<'_>, component: &[&str]) -> Findings {
    let mut findings = Findings::default();
    let known = Known {
        component,
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    findings
}

/// The one output of a synchronous transform that is not its error output, in the document and bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RegularOutput<'a> {
    pub(crate) document: &'a dtsx::Output,
    pub(crate) bound: &'a BoundOutput,
}

/// Finds it; a second one, or one that is not synchronous, is a finding.
pub(crate) fn regular_output<'a>(
    binding: &Binding<'a>,
    input: &BoundInput,
) -> Result<RegularOutput<'a>, Findings> {
    let mut regular = binding
        .component
        .outputs
        .iter()
        .zip(binding.outputs)
        .filter(|(document, _)| !document.is_error)
        .map(|(document, bound)| RegularOutput { document, bound });
    let (Some(output), None) = (regular.next(), regular.next()) else {
        return Err(binding
            .finding("needs exactly one output beside its error output")
            .into());
    };
    check_synchronous(binding, output.bound, input)?;
    Ok(output)
}

/// All columns of the input pass through to this output.
pub(crate) fn check_synchronous(
    binding: &Binding<'_>,
    output: &BoundOutput,
    input: &BoundInput,
) -> Result<(), Finding> {
    if output.passed_through == input.columns.len() {
        return Ok(());
    }
    Err(binding.finding(format!(
        "output `{}` is not synchronous with input `{}`",
        output.name, input.name
    )))
}

/// A finding if an element without its own disposition is asked to redirect where there is no error output.
pub(crate) fn check_redirect(
    binding: &Binding<'_>,
    place: &str,
    dispositions: [Disposition; 2],
    findings: &mut Findings,
) {
    let has_error_output = binding.outputs.iter().any(|output| output.is_error);
    if !has_error_output && dispositions.contains(&Disposition::RedirectRow) {
        let message =
            format!("{place} redirects failing rows, but the component has no error output");
        findings.push(Finding {
            code: Some(SsisCode::VALIDATION_FAILED),
            ..binding.finding(message)
        });
    }
}

/// The plan of the only input.
pub(crate) fn sole_input(
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    path: &str,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let count = inputs.len();
    let Ok([input]) = <[_; 1]>::try_from(inputs) else {
        return internal_err!("{path} has one input, not {count}");
    };
    Ok(input)
}
