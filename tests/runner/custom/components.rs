//! The components of `examples/custom`.

use dtsx::{DataType, Disposition, UsageType};
use fletching::{Package, Settings, custom::Extensions};

use super::{
    FLOW, Outcome, Program, again, check, component, empty, examples, failed, numbers, run,
    settings, succeeded, text, write,
};

pub(super) const TRIALS: &[(&str, Program)] = &[
    ("the same rows at any number of threads", same_rows),
    ("a row that may not fail stops the flow", stopped),
    ("a row whose failure is ignored goes on", ignored),
    ("an asynchronous component", totals),
    ("built, saved, loaded, run", saved),
    ("a class that is not registered", unknown),
    ("settings that the class refuses", refused),
    ("EXPLAIN names the class", explained),
];

const ROWS: usize = 5000;

/// Numbers whose names are masked; what is too short goes to another file.
fn masked(package: &mut Package, disposition: Disposition) -> Outcome {
    numbers(package, &ROWS.to_string())?;
    package
        .pipeline(FLOW)?
        .add("Contoso.Ssis.Mask", "Mask")?
        .connect("Numbers", "Mask")?
        .use_column("Mask", None, "name", UsageType::ReadWrite)?
        .set("Mask", "Keep", "8")?
        .add_column("Mask", None, "hidden", DataType::I4)?
        .on_error("Mask", disposition)?;
    write(package, ("Mask", None), "good")
}

fn same_rows() -> Outcome {
    let (folder, mut package) = empty(examples()?)?;
    masked(&mut package, Disposition::RedirectRow)?;
    write(&mut package, ("Mask", Some("Error Output")), "bad")?;
    let mut first: Option<(String, String)> = None;
    for threads in [1, 2, 7] {
        for batch_size in [8192, 100, 7] {
            let given = Settings {
                threads,
                batch_size,
                ..settings(&package)?
            };
            let report = succeeded(run(&package, given)?)?;
            let mask = component(&report, "Mask").ok_or("no report")?;
            check(
                mask.rows_in == ROWS as u64 && mask.redirected == 9 && mask.dropped == 0,
                format!("{mask:?}"),
            )?;
            check(mask.class == "Contoso.Ssis.Mask", mask.class.clone())?;
            let written = component(&report, "Write good").and_then(|one| one.written);
            check(written == Some(ROWS as u64 - 9), format!("{written:?}"))?;
            let found = (
                text(folder.path(), "good.jsonl")?,
                text(folder.path(), "bad.jsonl")?,
            );
            match &first {
                None => {
                    let good = r#"{"n":10,"name":"*umber 10","hidden":1}"#;
                    check(
                        found.0.starts_with(good),
                        found.0.lines().next().unwrap_or_default(),
                    )?;
                    let bad = r#"{"n":1,"name":"number 1","ErrorCode":-1071607767,"ErrorColumn":"#;
                    check(found.1.starts_with(bad), found.1.clone())?;
                    first = Some(found);
                }
                Some(first) => check(*first == found, format!("{threads} {batch_size}"))?,
            }
        }
    }
    let parts = std::fs::read_dir(folder.path())?.flatten();
    let mut parts = parts.filter(|entry| entry.path().extension().is_some_and(|end| end == "part"));
    check(parts.next().is_none(), "a part is left")
}

fn stopped() -> Outcome {
    let (folder, mut package) = empty(examples()?)?;
    masked(&mut package, Disposition::FailComponent)?;
    let error = failed(&run(&package, settings(&package)?)?)?;
    for part in [
        "Package\\Flow\\Mask, column `name`",
        "a text of 8 characters, of which 8 would be shown",
        "row 1 of its batch has name = `number 1`",
        "0xC0209029",
    ] {
        check(error.contains(part), format!("no `{part}` in: {error}"))?;
    }
    check(!folder.path().join("good.jsonl").exists(), "a file is left")
}

fn ignored() -> Outcome {
    let (folder, mut package) = empty(examples()?)?;
    masked(&mut package, Disposition::IgnoreFailure)?;
    succeeded(run(&package, settings(&package)?)?)?;
    let good = text(folder.path(), "good.jsonl")?;
    check(good.lines().count() == ROWS, "rows are lost")?;
    check(
        good.starts_with("{\"n\":1,\"hidden\":0}\n"),
        good.lines().next().unwrap_or_default(),
    )
}

/// Sums of the numbers by their last digit.
fn summed(package: &mut Package) -> Outcome {
    numbers(package, "1000")?;
    package
        .pipeline(FLOW)?
        .add("Microsoft.DerivedColumn", "Key")?
        .connect("Numbers", "Key")?
        .derive("Key", "key", "\"digit \" + (DT_WSTR,1)([n] % 3)")?
        .add("Contoso.Ssis.Totals", "Totals")?
        .connect("Key", "Totals")?
        .use_column("Totals", None, "key", UsageType::ReadOnly)?
        .use_column("Totals", None, "n", UsageType::ReadOnly)?
        .add_column("Totals", None, "key", DataType::WStr { length: 10 })?
        .add_column("Totals", None, "rows", DataType::I8)?
        .add_column("Totals", None, "sum", DataType::I8)?;
    write(package, ("Totals", None), "totals")
}

const SUMS: &str = r#"{"key":"digit 0","rows":333,"sum":166833}
{"key":"digit 1","rows":334,"sum":167167}
{"key":"digit 2","rows":333,"sum":166500}
"#;

fn totals() -> Outcome {
    let (folder, mut package) = empty(examples()?)?;
    summed(&mut package)?;
    for threads in [1, 2, 7] {
        for batch_size in [8192, 3, 1] {
            let given = Settings {
                threads,
                batch_size,
                ..settings(&package)?
            };
            let report = succeeded(run(&package, given)?)?;
            let found = text(folder.path(), "totals.jsonl")?;
            check(found == SUMS, found)?;
            let totals = component(&report, "Totals").ok_or("no report")?;
            let out = totals.outputs.first().map(|output| output.rows);
            check(
                totals.rows_in == 1000 && out == Some(3),
                format!("{totals:?}"),
            )?;
        }
    }
    Ok(())
}

fn saved() -> Outcome {
    let (folder, mut package) = empty(examples()?)?;
    summed(&mut package)?;
    let loaded = again(folder.path(), &package, examples()?)?;
    succeeded(run(&loaded, settings(&loaded)?)?)?;
    let found = text(folder.path(), "totals.jsonl")?;
    check(found == SUMS, found)?;
    let saved = text(folder.path(), "Package.dtsx")?;
    check(
        saved.contains("componentClassID=\"Microsoft.ManagedComponentHost\"")
            && saved.contains("name=\"UserComponentTypeName\">Contoso.Ssis.Totals</property>"),
        "it is not saved as a managed component",
    )
}

fn unknown() -> Outcome {
    let (folder, mut package) = empty(examples()?)?;
    summed(&mut package)?;
    let loaded = again(folder.path(), &package, Extensions::default())?;
    match loaded.prepare(settings(&loaded)?) {
        Ok(_) => Err("it is prepared".into()),
        Err(error) => {
            let error = error.to_string();
            let wanted = "class `Contoso.Ssis.Totals` (Totals) is not known, so not supported: register a class of this \
                          name, or load a plug-in that has it";
            check(error.contains(wanted), error)
        }
    }
}

fn refused() -> Outcome {
    let (_folder, mut package) = empty(examples()?)?;
    masked(&mut package, Disposition::FailComponent)?;
    package.pipeline(FLOW)?.set("Mask", "Keep", "many")?;
    package.pipeline(FLOW)?.set("Numbers", "Rows", "few")?;
    match package.prepare(settings(&package)?) {
        Ok(_) => Err("it is prepared".into()),
        Err(error) => {
            let error = error.to_string();
            check(
                error.contains("Package\\Flow\\Mask")
                    && error.contains("Keep is no number of characters")
                    && error.contains("Rows is no number of rows"),
                error,
            )
        }
    }
}

fn explained() -> Outcome {
    let (_folder, mut package) = empty(examples()?)?;
    summed(&mut package)?;
    let plan = package.prepare(settings(&package)?)?.explain()?.join("\n");
    for part in [
        "destination Write totals (Contoso.Ssis.JsonLines)",
        "CustomDestination: [Package\\Flow\\Write totals] Contoso.Ssis.JsonLines",
        "CustomProcessExec: [Package\\Flow\\Totals] Contoso.Ssis.Totals",
        "CustomSourceExec: [Package\\Flow\\Numbers] Contoso.Ssis.Numbers",
    ] {
        check(plan.contains(part), format!("no `{part}` in:\n{plan}"))?;
    }
    Ok(())
}
