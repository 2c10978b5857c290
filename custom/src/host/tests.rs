//! Both halves of the border, back to back: what a class does behind it is what it does without it.

use std::cell::Cell;

use arrow::{
    array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use parking_lot::Mutex;

use super::*;
use crate::{
    Applied, Asynchronous, Batches, Column, Component, ComponentClass, ComponentKind,
    ComponentSpec, ConnectionManagerClass, ConnectionManagerSpec, Destination, Enumerator,
    EnumeratorClass, EnumeratorSpec, Host, InputSpec, Log, LogEntry, LogProviderClass,
    LogProviderSpec, Message, NewOutput, OutputSpec, Process, Properties, RowFailure, Source,
    Synchronous, Task, TaskClass, TaskSpec, Writer,
};

thread_local! {
    static ALIVE: Cell<i32> = const { Cell::new(0) };
    static CANCELED: Cell<bool> = const { Cell::new(false) };
    static LOGGED: Cell<Option<LogEntry>> = const { Cell::new(None) };
    static WRITTEN: Cell<(usize, bool)> = const { Cell::new((0, false)) };
}

/// Counts the objects of this thread.
#[derive(Debug)]
struct Alive;

impl Alive {
    fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

/// All kinds of objects; what they do is in a property, `Do`.
#[derive(Debug)]
struct Toy {
    names: ClassNames,
    kind: ComponentKind,
    _alive: Alive,
}

#[derive(Debug)]
struct Object {
    mode: String,
    schema: SchemaRef,
    _alive: Alive,
}

impl Object {
    fn new(mode: &str, schema: &SchemaRef) -> Self {
        Self {
            mode: mode.to_owned(),
            schema: Arc::clone(schema),
            _alive: Alive::new(),
        }
    }

    fn fail(&self, place: &str) -> Result<(), CustomError> {
        if self.mode == format!("panic in {place}") {
            panic!("{place} fell over");
        }
        if self.mode == format!("fail in {place}") {
            return Err(CustomError::new(format!("{place} failed")).with_code(0xC004_7000));
        }
        Ok(())
    }
}

fn numbers(values: &[i32], schema: &SchemaRef) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int32Array::from(values.to_vec()));
    RecordBatch::try_new(Arc::clone(schema), vec![column]).unwrap()
}

fn schema() -> SchemaRef {
    let metadata = [("ssis.type".to_owned(), "DT_I4".to_owned())];
    let field = Field::new("n", DataType::Int32, true).with_metadata(metadata.into());
    Arc::new(Schema::new(vec![field]))
}

impl ComponentClass for Toy {
    fn names(&self) -> &ClassNames {
        &self.names
    }

    fn kind(&self) -> ComponentKind {
        self.kind
    }

    fn properties(&self) -> Properties {
        vec![("Do".to_owned(), "work".to_owned())]
    }

    fn outputs(&self) -> Vec<NewOutput> {
        match self.kind {
            ComponentKind::Source => vec![NewOutput::asynchronous("Days")],
            other => NewOutput::of(other),
        }
    }

    fn connections(&self) -> Vec<String> {
        vec!["Db".to_owned()]
    }

    fn read(&self, spec: &ComponentSpec) -> Result<Component, Vec<String>> {
        let mode = spec.property("do").unwrap_or_default();
        match mode {
            "refuse" => return Err(vec!["one problem".to_owned(), "another".to_owned()]),
            "panic in read" => panic!("read fell over"),
            "tell" => return Err(vec![format!("{spec:?}")]),
            _ => {}
        }
        let object = Object::new(mode, &spec.outputs[0].schema);
        Ok(match (self.kind, mode) {
            (ComponentKind::Source, _) => Component::Source(Box::new(object)),
            (ComponentKind::Destination, _) => Component::Destination(Box::new(object)),
            (ComponentKind::Transform, "sum") => Component::Asynchronous(Box::new(object)),
            (ComponentKind::Transform, _) => Component::Synchronous(Box::new(object)),
        })
    }
}

impl Source for Object {
    fn open(&self) -> Result<Batches, CustomError> {
        self.fail("open")?;
        let rows = Object::new(&self.mode, &self.schema);
        let mut at = 0;
        Ok(Box::new(std::iter::from_fn(move || {
            at += 1;
            match at {
                1 => Some(Ok(numbers(&[1, 2], &rows.schema))),
                2 => match rows.fail("rows") {
                    Ok(()) => Some(Ok(numbers(&[3], &rows.schema))),
                    Err(error) => Some(Err(error)),
                },
                _ => None,
            }
        })))
    }

    fn cancel(&self) {
        CANCELED.set(true);
    }
}

impl Synchronous for Object {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        self.fail("apply")?;
        let column = batch.column(0).as_any().downcast_ref::<Int32Array>();
        let doubled = column.unwrap().iter().map(|n| Some(i64::from(n?) * 2));
        let doubled: ArrayRef = Arc::new(Int64Array::from_iter(doubled));
        Ok(Applied {
            columns: match &*self.mode {
                "too few" => vec![],
                "texts" => vec![Arc::new(StringArray::from(vec!["x"; batch.num_rows()]))],
                _ => vec![Arc::clone(&doubled)],
            },
            replaced: vec![(0, doubled)],
            route: vec![Some(1), None],
            failures: vec![RowFailure {
                row: 1,
                column: Some(0),
                error: CustomError::new("odd").with_code(7),
            }],
        })
    }
}

impl Asynchronous for Object {
    fn start(&self) -> Result<Box<dyn Process>, CustomError> {
        Ok(Box::new(Sum(0, Object::new(&self.mode, &self.schema))))
    }
}

struct Sum(i32, Object);

impl Process for Sum {
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<Vec<RecordBatch>, CustomError> {
        if input == 9 {
            return Err(CustomError::new("no such input"));
        }
        self.0 += batch.num_rows() as i32;
        let so_far = numbers(&[self.0], &self.1.schema);
        Ok(vec![so_far.clone(), so_far])
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, CustomError> {
        Ok(vec![numbers(&[-self.0], &self.1.schema)])
    }
}

impl Destination for Object {
    fn open(&self) -> Result<Box<dyn Writer>, CustomError> {
        self.fail("open")?;
        Ok(Box::new(Write(Object::new(&self.mode, &self.schema))))
    }
}

struct Write(Object);

impl Writer for Write {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), CustomError> {
        self.0.fail("write")?;
        WRITTEN.set((WRITTEN.get().0 + batch.num_rows(), false));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), CustomError> {
        self.0.fail("commit")?;
        WRITTEN.set((WRITTEN.get().0, true));
        Ok(())
    }
}

impl TaskClass for Toy {
    fn names(&self) -> &ClassNames {
        &self.names
    }

    fn read(&self, task: &TaskSpec) -> Result<Box<dyn Task>, Vec<String>> {
        match task.property("Do") {
            None => Err(vec![format!("no `Do` in {}", task.xml)]),
            Some(mode) => Ok(Box::new(Object::new(mode, &schema()))),
        }
    }
}

impl Task for Object {
    fn run(&self, host: &dyn Host) -> Result<(), CustomError> {
        self.fail("run")?;
        assert!(host.variable("User::None").is_none());
        assert!(host.connection("none").is_none());
        let before = host.variable("User::N").unwrap();
        host.set_variable("User::M", &before)?;
        let error = host.set_variable("User::None", &before).unwrap_err();
        assert_eq!(
            error,
            CustomError::new("no variable `User::None`").with_code(3)
        );
        assert_eq!(host.path("a.csv"), Ok("/srv/a.csv".to_owned()));
        assert_eq!(host.path("").unwrap_err().message, "no path");
        host.say(Message::Information, &host.connection("Db").unwrap());
        host.say(Message::Warning, "careful");
        host.say(Message::Progress(50), "half");
        assert!(host.is_canceled());
        Ok(())
    }
}

impl ConnectionManagerClass for Toy {
    fn names(&self) -> &ClassNames {
        &self.names
    }

    fn address(&self, manager: &ConnectionManagerSpec) -> Result<String, CustomError> {
        match manager.connection_string.is_empty() {
            true => Err(CustomError::new("no connection string")),
            false => Ok(format!("sqlite:{}", manager.connection_string)),
        }
    }
}

impl EnumeratorClass for Toy {
    fn names(&self) -> &ClassNames {
        &self.names
    }

    fn read(&self, spec: &EnumeratorSpec) -> Result<Box<dyn Enumerator>, Vec<String>> {
        let mode = spec.properties.first().map_or("", |(_, value)| value);
        Ok(Box::new(Object::new(mode, &schema())))
    }
}

impl Enumerator for Object {
    fn rounds(&self, host: &dyn Host) -> Result<Batches, CustomError> {
        assert!(host.variable("User::N").is_some());
        match &*self.mode {
            "none" => Ok(Box::new(std::iter::empty())),
            _ => Source::open(self),
        }
    }
}

impl LogProviderClass for Toy {
    fn names(&self) -> &ClassNames {
        &self.names
    }

    fn check(&self, provider: &LogProviderSpec) -> Result<(), Vec<String>> {
        match provider.config_string.is_empty() {
            true => Err(vec!["no ConfigString".to_owned()]),
            false => Ok(()),
        }
    }

    fn open(&self, provider: &LogProviderSpec) -> Result<Box<dyn Log>, CustomError> {
        Ok(Box::new(Object::new(&provider.config_string, &schema())))
    }
}

impl Log for Object {
    fn write(&mut self, entry: &LogEntry) -> Result<(), CustomError> {
        LOGGED.set(Some(entry.clone()));
        self.fail("write")
    }

    fn close(&mut self) -> Result<(), CustomError> {
        self.fail("close")
    }
}

/// Variables and events of a run.
#[derive(Default)]
struct Run {
    set: Mutex<Vec<(String, ArrayRef)>>,
    said: Mutex<Vec<(Message, String)>>,
}

impl Host for Run {
    fn variable(&self, name: &str) -> Option<ArrayRef> {
        (name == "User::N").then(|| Arc::new(StringArray::from(vec!["seven"])) as ArrayRef)
    }

    fn set_variable(&self, name: &str, value: &ArrayRef) -> Result<(), CustomError> {
        if name == "User::None" {
            return Err(CustomError::new("no variable `User::None`").with_code(3));
        }
        let mut set = self.set.lock();
        set.push((name.to_owned(), Arc::clone(value)));
        Ok(())
    }

    fn connection(&self, name: &str) -> Option<String> {
        (name == "Db").then(|| "Data Source=here".to_owned())
    }

    fn path(&self, path: &str) -> Result<String, CustomError> {
        match path.is_empty() {
            true => Err(CustomError::new("no path")),
            false => Ok(format!("/srv/{path}")),
        }
    }

    fn say(&self, message: Message, text: &str) {
        self.said.lock().push((message, text.to_owned()));
    }

    fn is_canceled(&self) -> bool {
        true
    }
}

fn toy(id: &str, kind: ComponentKind) -> Arc<Toy> {
    let names = ClassNames::new(id, "Toy")
        .also("Toys.Second")
        .described("plays");
    let names = match id {
        "Toys.Source" => names,
        _ => ClassNames::new(id, "Toy"),
    };
    Arc::new(Toy {
        names,
        kind,
        _alive: Alive::new(),
    })
}

fn register(extensions: &mut Extensions) -> Result<(), Taken> {
    extensions.add_component(toy("Toys.Source", ComponentKind::Source))?;
    extensions.add_component(toy("Toys.Transform", ComponentKind::Transform))?;
    extensions.add_component(toy("Toys.Destination", ComponentKind::Destination))?;
    extensions.add_task(toy("Toys.Task", ComponentKind::Source))?;
    extensions.add_connection_manager(toy("TOY", ComponentKind::Source))?;
    extensions.add_enumerator(toy("Toys.Enumerator", ComponentKind::Source))?;
    extensions.add_log_provider(toy("Toys.Log", ComponentKind::Source))
}

crate::export!(register);

fn loaded() -> Extensions {
    let mut extensions = Extensions::default();
    // SAFETY: the function is that of `export!`, in this program.
    unsafe { enter(fletching_plugin_v1, &mut extensions) }.unwrap();
    extensions
}

fn spec(mode: &str) -> ComponentSpec {
    let column = Column {
        name: "n".to_owned(),
        id: "11".to_owned(),
        lineage: r"Package\Flow\Read.Outputs[Out].Columns[n]".to_owned(),
        replaced: true,
        properties: vec![("Mask".to_owned(), "yes".to_owned())],
    };
    ComponentSpec {
        name: "Play".to_owned(),
        path: r"Package\Flow\Play".to_owned(),
        properties: vec![("Do".to_owned(), mode.to_owned())],
        inputs: vec![InputSpec {
            name: "In".to_owned(),
            schema: schema(),
            columns: vec![column.clone()],
            properties: vec![],
        }],
        outputs: vec![OutputSpec {
            name: "Out".to_owned(),
            is_error: false,
            connected: true,
            schema: schema(),
            columns: vec![column],
            properties: vec![("Sorted".to_owned(), String::new())],
        }],
        connections: vec![("Db".to_owned(), "Data Source=ü".to_owned())],
        folder: "/srv".to_owned(),
        locale_id: 1033,
    }
}

fn component(id: &str, mode: &str) -> Component {
    let extensions = loaded();
    let class = extensions.component(id).unwrap();
    class.read(&spec(mode)).unwrap()
}

#[test]
fn a_class_says_of_itself_what_it_is() {
    let extensions = loaded();
    let class = extensions
        .component("toys.second, Toys, Version=1")
        .unwrap();
    assert_eq!(class.names().ids, ["Toys.Source", "Toys.Second"]);
    assert_eq!(class.names().description, "plays");
    assert_eq!(class.kind(), ComponentKind::Source);
    assert_eq!(class.properties(), [("Do".to_owned(), "work".to_owned())]);
    assert!(class.inputs().is_empty());
    assert_eq!(class.outputs(), [NewOutput::asynchronous("Days")]);
    assert_eq!(class.connections(), ["Db"]);
    let told = class.read(&spec("tell")).unwrap_err();
    assert_eq!(told, [format!("{:?}", spec("tell"))]);
    let told = class.read(&spec("refuse")).unwrap_err();
    assert_eq!(told, ["one problem", "another"]);
    let told = class.read(&spec("panic in read")).unwrap_err();
    assert_eq!(
        told,
        ["its code panicked (read fell over): this is a defect of the custom object"]
    );
}

#[test]
fn all_that_was_made_is_released() {
    assert_eq!(ALIVE.get(), 0);
    {
        let Component::Source(source) = component("Toys.Source", "") else {
            panic!("a source is wanted");
        };
        let mut rows = source.open().unwrap();
        rows.next().unwrap().unwrap();
        // The component keeps no class: that went with its `Extensions`.
        assert_eq!(ALIVE.get(), 2);
        source.cancel();
        assert!(CANCELED.get());
        drop(source);
        assert_eq!(rows.next().unwrap().unwrap().num_rows(), 1);
    }
    assert_eq!(ALIVE.get(), 0);
    let mut twice = loaded();
    assert_eq!(ALIVE.get(), 7);
    // SAFETY: as in `loaded`.
    let refused = unsafe { enter(fletching_plugin_v1, &mut twice) }.unwrap_err();
    let Refused::Taken(taken) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(taken.id, "Toys.Source");
    assert_eq!(ALIVE.get(), 7);
    drop(twice);
    assert_eq!(ALIVE.get(), 0);
}

#[test]
fn a_source_gives_rows_and_ends_with_its_error() {
    let rows = |mode: &str| -> Vec<Result<RecordBatch, CustomError>> {
        let Component::Source(source) = component("Toys.Source", mode) else {
            panic!("a source is wanted");
        };
        source.open().unwrap().collect()
    };
    let all = rows("");
    assert_eq!(all[0].as_ref().unwrap(), &numbers(&[1, 2], &schema()));
    assert_eq!(all.len(), 2);
    let failed = rows("fail in rows");
    let error = CustomError::new("rows failed").with_code(0xC004_7000);
    assert_eq!(failed[1].as_ref().unwrap_err(), &error);
    assert_eq!(failed.len(), 2);
    let panicked = rows("panic in rows");
    let error = panicked[1].as_ref().unwrap_err();
    assert_eq!(
        error.message,
        "its code panicked (rows fell over): this is a defect of the custom object"
    );
    let Component::Source(source) = component("Toys.Source", "fail in open") else {
        panic!("a source is wanted");
    };
    let error = source.open().err().unwrap();
    assert_eq!(
        error,
        CustomError::new("open failed").with_code(0xC004_7000)
    );
}

#[test]
fn a_synchronous_component_gives_columns_routes_and_failures() {
    let apply = |mode: &str| {
        let Component::Synchronous(one) = component("Toys.Transform", mode) else {
            panic!("a synchronous component is wanted");
        };
        one.apply(&numbers(&[1, 2], &schema()))
    };
    let applied = apply("").unwrap();
    let doubled: ArrayRef = Arc::new(Int32Array::from(vec![2, 4]));
    // Int64 in the plug-in, Int32 in the design.
    assert_eq!(applied.columns, [Arc::clone(&doubled)]);
    assert_eq!(applied.replaced, [(0, doubled)]);
    assert_eq!(applied.route, [Some(1), None]);
    assert_eq!(applied.failures[0].column, Some(0));
    assert_eq!(
        applied.failures[0].error,
        CustomError::new("odd").with_code(7)
    );
    let message = |mode: &str| apply(mode).unwrap_err().message;
    assert_eq!(message("fail in apply"), "apply failed");
    assert_eq!(
        message("panic in apply"),
        "its code panicked (apply fell over): this is a defect of the custom object"
    );
    assert_eq!(message("too few"), "0 columns where its output has 1");
    assert_eq!(
        message("texts"),
        "column `n`: values of Utf8 where Int32 is wanted"
    );
}

#[test]
fn an_asynchronous_component_keeps_its_state() {
    let Component::Asynchronous(one) = component("Toys.Transform", "sum") else {
        panic!("an asynchronous component is wanted");
    };
    let mut process = one.start().unwrap();
    let batch = numbers(&[1, 2], &schema());
    let ready = process.push(0, &batch).unwrap();
    assert_eq!(ready, vec![numbers(&[2], &schema()); 2]);
    let error = process.push(9, &batch).unwrap_err();
    assert_eq!(error.message, "no such input");
    assert_eq!(process.push(0, &batch).unwrap().len(), 2);
    assert_eq!(process.finish().unwrap(), [numbers(&[-4], &schema())]);
}

#[test]
fn a_destination_writes_and_commits() {
    let Component::Destination(one) = component("Toys.Destination", "") else {
        panic!("a destination is wanted");
    };
    let mut writer = one.open().unwrap();
    writer.write(&numbers(&[1, 2], &schema())).unwrap();
    assert_eq!(WRITTEN.get(), (2, false));
    writer.commit().unwrap();
    assert_eq!(WRITTEN.get(), (2, true));
    let Component::Destination(one) = component("Toys.Destination", "panic in commit") else {
        panic!("a destination is wanted");
    };
    let error = one.open().unwrap().commit().unwrap_err();
    assert_eq!(
        error.message,
        "its code panicked (commit fell over): this is a defect of the custom object"
    );
}

fn task(mode: &str) -> Box<dyn Task> {
    let extensions = loaded();
    let spec = TaskSpec {
        name: "Play".to_owned(),
        path: r"Package\Play".to_owned(),
        properties: vec![("Do".to_owned(), mode.to_owned())],
        xml: "<Toy/>".to_owned(),
    };
    extensions.task("Toys.Task").unwrap().read(&spec).unwrap()
}

#[test]
fn a_task_works_with_the_package() {
    let run = Run::default();
    task("").run(&run).unwrap();
    let set = run.set.into_inner();
    let seven: ArrayRef = Arc::new(StringArray::from(vec!["seven"]));
    assert_eq!(set, [("User::M".to_owned(), seven)]);
    let said = run.said.into_inner();
    let wanted = [
        (Message::Information, "Data Source=here"),
        (Message::Warning, "careful"),
        (Message::Progress(50), "half"),
    ];
    assert_eq!(
        said,
        wanted.map(|(message, text)| (message, text.to_owned()))
    );
    let error = task("panic in run").run(&Run::default()).unwrap_err();
    assert_eq!(
        error.message,
        "its code panicked (run fell over): this is a defect of the custom object"
    );
    let empty = TaskSpec {
        name: String::new(),
        path: String::new(),
        properties: vec![],
        xml: "<Toy/>".to_owned(),
    };
    let problems = loaded().task("Toys.Task").unwrap().read(&empty);
    assert_eq!(problems.unwrap_err(), ["no `Do` in <Toy/>"]);
}

#[test]
fn managers_enumerators_and_logs_work() {
    let extensions = loaded();
    let manager = |connection_string: &str| ConnectionManagerSpec {
        name: "Db".to_owned(),
        connection_string: connection_string.to_owned(),
        properties: vec![],
        folder: String::new(),
    };
    let class = extensions.connection_manager("TOY").unwrap();
    assert_eq!(class.address(&manager("a.db")).unwrap(), "sqlite:a.db");
    let error = class.address(&manager("")).unwrap_err();
    assert_eq!(error.message, "no connection string");

    let class = extensions.enumerator("Toys.Enumerator").unwrap();
    let rounds = |mode: &str| {
        let spec = EnumeratorSpec {
            path: r"Package\Loop".to_owned(),
            properties: vec![("Do".to_owned(), mode.to_owned())],
            xml: String::new(),
        };
        let enumerator = class.read(&spec).unwrap();
        enumerator
            .rounds(&Run::default())
            .unwrap()
            .collect::<Vec<_>>()
    };
    assert_eq!(rounds("").len(), 2);
    assert!(rounds("none").is_empty());
    assert!(rounds("fail in rows")[1].is_err());

    let class = extensions.log_provider("Toys.Log").unwrap();
    let provider = |config_string: &str| LogProviderSpec {
        name: "Log".to_owned(),
        config_string: config_string.to_owned(),
        connection_string: "a.log".to_owned(),
    };
    assert_eq!(class.check(&provider("")).unwrap_err(), ["no ConfigString"]);
    class.check(&provider("a")).unwrap();
    let mut log = class.open(&provider("fail in close")).unwrap();
    let entry = LogEntry {
        event: "OnError".to_owned(),
        computer: "here".to_owned(),
        operator: "me".to_owned(),
        source: "Play".to_owned(),
        source_id: "{1}".to_owned(),
        execution_id: "{2}".to_owned(),
        time_us: -5,
        data_code: -1,
        message: "text".to_owned(),
    };
    log.write(&entry).unwrap();
    assert_eq!(LOGGED.take(), Some(entry));
    assert_eq!(log.close().unwrap_err().message, "close failed");
}

#[test]
fn a_structure_of_another_age_is_read_as_far_as_it_goes() {
    let mut listener = Listener {
        size: 2 * size_of::<usize>(),
        context: std::ptr::dangling_mut(),
        hear: Some(ignore),
    };
    // SAFETY: the structure is there, and no smaller than it says.
    let known = unsafe { crate::border::table(&raw const listener) }.unwrap();
    assert_eq!(known.context, listener.context);
    assert!(known.hear.is_none());
    listener.size = 3;
    // SAFETY: as above.
    assert!(unsafe { crate::border::table(&raw const listener) }.is_none());
}

/// As `tests/times_two.c` has them of the header.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_header_has_the_same_structures() {
    let header = include_str!("../../tests/times_two.c");
    macro_rules! same {
        ($($name:ident),+ $(,)?) => {$(
            let size = size_of::<abi::$name>();
            let wanted = format!("(sizeof(struct Fletching{}) == {size}", stringify!($name));
            assert!(header.contains(&wanted), "{wanted}");
        )+};
    }
    same!(
        Listener,
        Names,
        Registry,
        ComponentClass,
        ComponentSpec,
        InputSpec,
        OutputSpec,
        Column,
        Component,
        Source,
        Synchronous,
        Applied,
        Asynchronous,
        Process,
        BatchReceiver,
        Destination,
        Writer,
        TaskClass,
        TaskSpec,
        Task,
        Host,
        ConnectionManagerClass,
        ConnectionManagerSpec,
        EnumeratorClass,
        EnumeratorSpec,
        Enumerator,
        LogProviderClass,
        LogProviderSpec,
        Log,
        LogEntry,
        NewOutput,
    );
}

unsafe extern "C" fn ignore(_: *mut c_void, _: abi::Text, _: u32) {}

#[test]
fn what_is_no_plugin_says_so() {
    let load = |file: &str| load(Path::new(file), &mut Extensions::default());
    let error = load("nowhere.so").unwrap_err();
    assert!(matches!(error, PluginError::NotFound { .. }), "{error}");
    let error = load("Cargo.toml").unwrap_err();
    assert!(matches!(error, PluginError::NotALibrary { .. }), "{error}");
}
