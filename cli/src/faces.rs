//! Other names of the program: started under one of them, it behaves as that program of SSIS.

use std::{ffi::OsString, path::Path, process::ExitCode};

use crate::{dtexec, dtutil};

/// What a face is given: the arguments behind the program's name.
type Face = fn(Vec<OsString>) -> ExitCode;

/// Names, without `.exe`, and what they do.
const FACES: [(&str, Face); 2] = [("dtexec", dtexec::run), ("dtutil", dtutil::run)];

/// Runs the face that the program was started as, if it is one.
pub(crate) fn face(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let program = arguments.next()?;
    let name = Path::new(&program).file_stem()?.to_str()?;
    let (_, run) = FACES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(run(arguments.collect()))
}
