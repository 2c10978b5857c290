//! Which cast of an expression lost something, and what: for the message about a value that was cut.

use arrow::array::{AsArray, RecordBatch};
use dtsx::{DataType, SsisCode};

use super::{constant, one_row};
use crate::{
    check::{Typed, TypedKind, is_text},
    code_page::CodePage,
    scalar::Scalar,
};

/// `None` where no cast did; `batch` has the one row of an expression with columns.
pub(crate) fn reason(node: &Typed, batch: Option<&RecordBatch>) -> Option<String> {
    let cut = Err(SsisCode::EXPRESSION_TRUNCATION_AS_ERROR);
    let value = |node: &Typed| match batch {
        Some(batch) => one_row(node, batch),
        None => constant(node),
    };
    if let TypedKind::Conditional(test, yes, no) = &node.kind
        && let Ok(chosen) = value(test)
    {
        let is_true = !chosen.is_null() && chosen.array.as_boolean_opt()?.value(0);
        return reason(if is_true { yes } else { no }, batch);
    }
    let mut found = None;
    node.kind.clone().each_operand(&mut |operand| {
        if found.is_none() {
            found = reason(operand, batch);
        }
    });
    match &node.kind {
        TypedKind::Convert(operand, _) if found.is_none() && value(node).map(|_| ()) == cut => {
            let given = value(operand).ok()?;
            Some(lost(&given, &operand.data_type, &node.data_type))
        }
        _ => found,
    }
}

/// What a value loses in another type.
fn lost(value: &Scalar, from: &DataType, to: &DataType) -> String {
    let page = match *to {
        DataType::Str { code_page, .. } | DataType::Text { code_page } => {
            CodePage::from_number(code_page).ok()
        }
        _ => None,
    };
    match to {
        DataType::Bytes { .. } => {
            format!("{from} has more bytes than {to}: raise the length of the cast")
        }
        _ if !is_text(to) => {
            format!("`{value}` has more digits behind the second than {to} keeps")
        }
        _ => match page.filter(|page| page.encode(&value.to_string()).1) {
            Some(page) => format!(
                "the text has characters that are not in code page {}: DT_WSTR and DT_NTEXT take all",
                page.number()
            ),
            None => crate::error::reason(SsisCode::EXPRESSION_TRUNCATION_AS_ERROR).to_owned(),
        },
    }
}
