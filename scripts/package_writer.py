"""Writes SSIS packages (format 8) in the shape that SQL Server Data Tools saves them.

`examples/make_packages.py` and `benches/etl/make_packages.py` describe packages with it; the `.dtsx` files they write are
committed. Ids are derived from names, so that a second run writes the same bytes.

    package = Package("sales")
    sales = package.flat_file("Sales file", r"C:\\data\\sales.csv", [Column("id", I4), Column("name", string(50))])
    flow = package.data_flow("Load sales")
    source = flow.source("Read sales", sales)
    flow.destination("Write", other_file, source.output)
"""

import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

COPYRIGHT = (
    "Microsoft Corporation; Microsoft SQL Server; (C) Microsoft Corporation; All Rights Reserved; "
    "http://www.microsoft.com/sql/support"
)


# Types


@dataclass(frozen=True)
class Type:
    name: str  # as the pipeline has it: i4, str, numeric ...
    code: int  # as a flat file column has it
    length: int = 0
    precision: int = 0
    scale: int = 0
    code_page: int = 0

    def attributes(self, prefix=""):
        """The attributes of a column of this type; `prefix` is `cached` on input columns."""
        named = {"dataType": self.name}
        if self.length:
            named["length"] = self.length
        if self.precision:
            named["precision"] = self.precision
        if self.scale:
            named["scale"] = self.scale
        if self.code_page:
            named["codepage" if prefix else "codePage"] = self.code_page
        return {prefix + (key[0].upper() + key[1:] if prefix else key): value for key, value in named.items()}


I2, I4, I8 = Type("i2", 2), Type("i4", 3), Type("i8", 20)
R8, BOOL, CY = Type("r8", 5), Type("bool", 11), Type("cy", 6)
UI8 = Type("ui8", 21)
DATE, TIMESTAMP = Type("dbDate", 133), Type("dbTimeStamp", 135)


def numeric(precision, scale):
    return Type("numeric", 131, precision=precision, scale=scale)


def string(length, code_page=1252):
    return Type("str", 129, length=length, code_page=code_page)


def wide(length):
    return Type("wstr", 130, length=length)


def text(code_page=1252):
    return Type("text", 301, code_page=code_page)


# XML


class Node:
    """An element, printed one attribute a line as the designer does."""

    def __init__(self, tag, attributes=None, children=(), content=None):
        self.tag, self.attributes = tag, dict(attributes or {})
        self.children, self.content = [child for child in children if child is not None], content

    def lines(self, depth=0):
        pad = "  " * depth
        head = pad + "<" + self.tag
        named = [f'{name}="{quoted(value)}"' for name, value in self.attributes.items()]
        if named:
            head = "\n".join([head] + [pad + "  " + one for one in named])
        if self.content is not None:
            yield head + ">" + self.content + f"</{self.tag}>"
        elif self.children:
            yield head + ">"
            for child in self.children:
                yield from child.lines(depth + 1)
            yield f"{pad}</{self.tag}>"
        else:
            yield head + " />"


def quoted(value):
    if isinstance(value, bool):
        value = "true" if value else "false"
    return escape(str(value), {'"': "&quot;", "\n": "&#xA;", "\r": "&#xD;"})


def dts(tag, attributes=None, children=(), content=None):
    return Node("DTS:" + tag, {"DTS:" + name: value for name, value in (attributes or {}).items()}, children, content)


def referenced(ref_id, attributes):
    """refId first, the others by name: the order in which the designer writes them."""
    return {"refId": ref_id, **dict(sorted(attributes.items()))}


def guid(*names):
    return "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, "fletching:" + "/".join(names))).upper() + "}"


def hexed(delimiter):
    return "".join(one if one.isalnum() else f"_x{ord(one):04X}_" for one in delimiter)


def prop(name, kind, value, expression_type=None, contains_id=False):
    attributes = {"containsID": True} if contains_id else {}
    attributes["dataType"] = kind
    if expression_type:
        attributes["expressionType"] = expression_type
    attributes["name"] = name
    if isinstance(value, bool):
        value = "true" if value else "false"
    return Node("property", attributes, content=escape(str(value)))


def boolean(name, value):
    return prop(name, "System.Boolean", value)


def integer(name, value):
    return prop(name, "System.Int32", value)


# Columns and connection managers


@dataclass
class Column:
    """A column of a flat file."""

    name: str
    type: Type
    delimiter: str = None
    width: int = 0
    qualified: bool = True
    fast_parse: bool = False


@dataclass
class FlatFile:
    package: "Package"
    name: str
    path: str
    columns: list
    format: str = "Delimited"
    row_end: str = "\r\n"
    delimiter: str = ","
    qualifier: str = "<none>"
    names: bool = True
    header_rows: int = 0
    code_page: int = 1252
    unicode: bool = False
    expressions: list = field(default_factory=list)

    @property
    def ref_id(self):
        return f"Package.ConnectionManagers[{self.name}]"

    def column_node(self, column, last):
        end = self.row_end if last else self.delimiter
        delimiter = column.delimiter if column.delimiter is not None else end
        attributes = {"ColumnType": "FixedWidth" if column.width else "Delimited"}
        if self.format == "Delimited" or not column.width:
            attributes["ColumnDelimiter"] = hexed(delimiter)
        else:
            attributes["ColumnDelimiter"] = ""
            attributes["ColumnWidth"] = column.width
        if column.type.length:
            attributes["MaximumWidth"] = column.type.length
        attributes["DataType"] = column.type.code
        if column.type.precision:
            attributes["DataPrecision"] = column.type.precision
        if column.type.scale:
            attributes["DataScale"] = column.type.scale
        if column.qualified and self.qualifier != "<none>":
            attributes["TextQualified"] = "True"
        attributes |= {"ObjectName": column.name, "DTSID": guid(self.package.name, self.name, column.name), "CreationName": ""}
        return dts("FlatFileColumn", attributes)

    def node(self):
        inner = {"Format": self.format}
        if self.unicode:
            inner["Unicode"] = "True"
        inner |= {"LocaleID": 1033, "HeaderRowDelimiter": hexed(self.row_end)}
        if self.names:
            inner["ColumnNamesInFirstDataRow"] = "True"
        if self.header_rows:
            inner["HeaderRowsToSkip"] = self.header_rows
        inner |= {"RowDelimiter": "", "TextQualifier": hexed(self.qualifier), "CodePage": self.code_page}
        inner["ConnectionString"] = self.path
        last = len(self.columns) - 1
        columns = [self.column_node(column, at == last) for at, column in enumerate(self.columns)]
        return dts(
            "ConnectionManager",
            {
                "refId": self.ref_id,
                "CreationName": "FLATFILE",
                "DTSID": guid(self.package.name, self.name),
                "ObjectName": self.name,
            },
            [
                *(dts("PropertyExpression", {"Name": name}, content=text) for name, text in self.expressions),
                dts("ObjectData", children=[dts("ConnectionManager", inner, [dts("FlatFileColumns", children=columns)])]),
            ],
        )


# The data flow


@dataclass
class Arriving:
    """A column as it travels."""

    name: str
    type: Type
    lineage: str
    sort_position: int = 0


@dataclass
class Output:
    ref_id: str
    name: str
    columns: list = field(default_factory=list)  # of Arriving, those that pass through included

    def column(self, name):
        found = [column for column in self.columns if column.name == name]
        if not found:
            raise KeyError(f"{self.ref_id} has no column {name}; it has {[column.name for column in self.columns]}")
        return found[-1]


ERROR_COLUMNS = (("ErrorCode", 1), ("ErrorColumn", 2))


class Component:
    """Collects the parts of one component; [`node`] prints them."""

    def __init__(self, flow, name, class_id, title, version=0, dispositions=False):
        self.flow, self.name, self.class_id, self.title = flow, name, class_id, title
        self.version, self.dispositions = version, dispositions
        self.properties, self.connections, self.inputs, self.outputs = [], [], [], []
        self.locale = False
        flow.components.append(self)

    @property
    def ref_id(self):
        return f"{self.flow.ref_id}\\{self.name}"

    def connect(self, manager, role="FlatFileConnection"):
        named = {"connectionManagerID": manager.ref_id, "connectionManagerRefId": manager.ref_id, "name": role}
        self.connections.append(Node("connection", referenced(f"{self.ref_id}.Connections[{role}]", named)))

    def input(self, name, source, columns=(), external=None, has_side_effects=False, **attributes):
        """`columns`: nodes made by [`input_column`]. A path leads here from `source`."""
        ref_id = f"{self.ref_id}.Inputs[{name}]"
        if has_side_effects:
            attributes["hasSideEffects"] = True
        children = [Node("inputColumns", children=columns)] if columns else []
        children.append(external or Node("externalMetadataColumns"))
        self.inputs.append(Node("input", referenced(ref_id, {"name": name, **attributes}), children))
        self.flow.path(source, ref_id)
        return ref_id

    def input_column(self, input_name, column, properties=(), **attributes):
        named = column.type.attributes("cached")
        named |= {"cachedName": column.name, "lineageId": column.lineage, **attributes}
        ref_id = f"{self.ref_id}.Inputs[{input_name}].Columns[{column.name}]"
        if column.sort_position:
            named["cachedSortKeyPosition"] = column.sort_position
        children = [Node("properties", children=list(properties))] if properties else []
        return Node("inputColumn", referenced(ref_id, named), children)

    def output(self, name, own=(), passing=(), external=None, properties=(), **attributes):
        """`own`: (name, type, attributes, property nodes) of the columns made here; `passing`: columns of the input."""
        ref_id = f"{self.ref_id}.Outputs[{name}]"
        output = Output(ref_id, name, list(passing))
        columns = []
        for column, kind, named, props in own:
            lineage = f"{ref_id}.Columns[{column}]"
            named = {**kind.attributes(), "lineageId": lineage, "name": column, **named}
            children = [Node("properties", children=list(props))] if props else []
            columns.append(Node("outputColumn", referenced(lineage, named), children))
            output.columns.append(Arriving(column, kind, lineage, named.get("sortKeyPosition", 0)))
        children = [Node("properties", children=list(properties))] if properties else []
        children.append(Node("outputColumns", children=columns) if columns else None)
        children.append(external or Node("externalMetadataColumns"))
        self.outputs.append(Node("output", referenced(ref_id, {"name": name, **attributes}), children))
        return output

    def error_output(self, name, own=(), passing=(), **attributes):
        own = list(own) + [(column, I4, {"specialFlags": flag}, ()) for column, flag in ERROR_COLUMNS]
        return self.output(name, own, passing, isErrorOut=True, **attributes)

    def node(self):
        attributes = {
            "componentClassID": self.class_id,
            "contactInfo": f"{self.title};{COPYRIGHT};{self.version}",
            "description": self.title,
            "name": self.name,
        }
        if self.locale:
            attributes["localeId"] = 1033
        if self.dispositions:
            attributes["usesDispositions"] = True
        if self.version:
            attributes["version"] = self.version
        children = [
            Node(tag, children=nodes)
            for tag, nodes in (
                ("properties", self.properties),
                ("connections", self.connections),
                ("inputs", self.inputs),
                ("outputs", self.outputs),
            )
            if nodes
        ]
        return Node("component", referenced(self.ref_id, attributes), children)


def friendly(expression, columns):
    """An expression with `[Name]` as the package stores it: `#{lineage}`."""
    for column in sorted(columns, key=lambda column: -len(column.name)):
        expression = expression.replace(f"[{column.name}]", "#{" + column.lineage + "}")
    return expression


def used(expressions, output):
    """The columns of an output that expressions name in brackets, each once."""
    return [column for column in output.columns if any(f"[{column.name}]" in one for one in expressions)]


def raw_file_properties(path):
    """AccessMode 1 takes the file's name from a variable."""
    by_variable = "::" in path
    stated, empty = ("FileNameVariable", "FileName") if by_variable else ("FileName", "FileNameVariable")
    nodes = {stated: prop(stated, "System.String", path), empty: Node("property", {"dataType": "System.Null", "name": empty})}
    return [integer("AccessMode", int(by_variable)), nodes["FileName"], nodes["FileNameVariable"]]


class DataFlow:
    def __init__(self, owner, name):
        self.owner, self.package, self.name = owner, owner.package, name
        self.components, self.paths = [], []

    @property
    def ref_id(self):
        return f"{self.owner.ref_id}\\{self.name}"

    def path(self, source, input_ref_id):
        taken = [path.attributes["name"] for path in self.paths]
        name, number = source.name, 1
        while name in taken:
            name, number = f"{source.name}{number}", number + 1
        self.paths.append(
            Node(
                "path",
                {
                    "refId": f"{self.ref_id}.Paths[{name}]",
                    "endId": input_ref_id,
                    "name": name,
                    "startId": source.ref_id,
                },
            )
        )

    # Sources and destinations

    def source(self, name, manager, redirect=False, retain_nulls=False, sorted_by=(), only=None, file_name_column=""):
        """Returns (output, error output). `sorted_by`: names of the columns that the file is sorted by."""
        component = Component(self, name, "Microsoft.FlatFileSource", "Flat File Source", 1, True)
        component.locale = True
        component.properties = [
            boolean("RetainNulls", retain_nulls),
            prop("FileNameColumnName", "System.String", file_name_column),
        ]
        component.connect(manager)
        disposition = "RedirectRow" if redirect else "FailComponent"
        title, own, external = "Flat File Source Output", [], []
        for column in manager.columns:
            external_id = f"{component.ref_id}.Outputs[{title}].ExternalColumns[{column.name}]"
            external.append(
                Node("externalMetadataColumn", referenced(external_id, {**column.type.attributes(), "name": column.name}))
            )
            if only is not None and column.name not in only:
                continue
            named = {
                "errorOrTruncationOperation": "Conversion",
                "errorRowDisposition": disposition,
                "externalMetadataColumnId": external_id,
                "truncationRowDisposition": disposition,
            }
            if column.name in sorted_by:
                named["sortKeyPosition"] = list(sorted_by).index(column.name) + 1
            props = [boolean("FastParse", column.fast_parse), boolean("UseBinaryFormat", False)]
            own.append((column.name, column.type, named, props))
        if file_name_column:
            own.append((file_name_column, wide(260), {}, ()))
        sorting = {"isSorted": True} if sorted_by else {}
        output = component.output(title, own, external=Node("externalMetadataColumns", {"isUsed": "True"}, external), **sorting)
        page = manager.code_page
        text_type = Type("nText", 303) if manager.unicode else text(page)
        errors = component.error_output(
            "Flat File Source Error Output", [("Flat File Source Error Output Column", text_type, {}, ())]
        )
        return output, errors

    def destination(self, name, manager, source, columns=None, overwrite=True, escape=False):
        """`columns`: file column -> arriving column; by name without it. `escape`: double a qualifier inside a value."""
        component = Component(self, name, "Microsoft.FlatFileDestination", "Flat File Destination", 1)
        component.locale = True
        component.properties = [
            boolean("Overwrite", overwrite),
            Node("property", {"dataType": "System.Null", "expressionType": "Notify", "name": "Header"}),
            boolean("EscapeQualifier", escape),
        ]
        component.connect(manager)
        title = "Flat File Destination Input"
        taken, external = [], []
        for column in manager.columns:
            external_id = f"{component.ref_id}.Inputs[{title}].ExternalColumns[{column.name}]"
            named = {**column.type.attributes(), "name": column.name}
            external.append(Node("externalMetadataColumn", referenced(external_id, named)))
            arriving = source.column((columns or {}).get(column.name, column.name))
            taken.append(component.input_column(title, arriving, externalMetadataColumnId=external_id))
        node = Node("externalMetadataColumns", {"isUsed": "True"}, external)
        component.input(title, source, taken, node, has_side_effects=True)

    def raw_file_source(self, name, path, source, sorted_by=()):
        """The columns of `source`, an output whose rows a raw file destination wrote to `path`."""
        component = Component(self, name, "Microsoft.RawSource", "Raw File Source")
        component.properties = raw_file_properties(path)
        title, own, external = "Raw File Source Output", [], []
        for column in source.columns:
            external_id = f"{component.ref_id}.Outputs[{title}].ExternalColumns[{column.name}]"
            named = {**column.type.attributes(), "name": column.name}
            external.append(Node("externalMetadataColumn", referenced(external_id, named)))
            attributes = {"externalMetadataColumnId": external_id}
            if column.name in sorted_by:
                attributes["sortKeyPosition"] = list(sorted_by).index(column.name) + 1
            own.append((column.name, column.type, attributes, ()))
        node = Node("externalMetadataColumns", {"isUsed": "True"}, external)
        return component.output(title, own, external=node, **({"isSorted": True} if sorted_by else {}))

    def raw_file_destination(self, name, path, source, columns=None, write_option=0):
        """`path`: a file, or `User::X` for the variable that names it. `columns`: names; all without it."""
        component = Component(self, name, "Microsoft.RawDestination", "Raw File Destination")
        component.properties = raw_file_properties(path) + [integer("WriteOption", write_option)]
        title = "Raw File Destination Input"
        chosen = [source.column(column) for column in columns] if columns else source.columns
        taken = [component.input_column(title, column) for column in chosen]
        component.input(title, source, taken, has_side_effects=True)

    def ole_db_destination(self, name, manager, table, source, columns):
        """A fast load. `columns`: (column of the table, type, arriving column)."""
        component = Component(self, name, "Microsoft.OLEDBDestination", "OLE DB Destination", 4, True)
        component.properties = [
            integer("CommandTimeout", 0),
            prop("OpenRowset", "System.String", table),
            prop("OpenRowsetVariable", "System.String", ""),
            prop("SqlCommand", "System.String", ""),
            integer("DefaultCodePage", 1252),
            boolean("AlwaysUseDefaultCodePage", False),
            integer("AccessMode", 3),
            boolean("FastLoadKeepIdentity", False),
            boolean("FastLoadKeepNulls", False),
            prop("FastLoadOptions", "System.String", "TABLOCK,CHECK_CONSTRAINTS"),
            integer("FastLoadMaxInsertCommitSize", 2147483647),
        ]
        component.connect(manager, "OleDbConnection")
        title = "OLE DB Destination Input"
        taken, external = [], []
        for column, kind, arriving in columns:
            external_id = f"{component.ref_id}.Inputs[{title}].ExternalColumns[{column}]"
            external.append(Node("externalMetadataColumn", referenced(external_id, {**kind.attributes(), "name": column})))
            taken.append(component.input_column(title, source.column(arriving), externalMetadataColumnId=external_id))
        node = Node("externalMetadataColumns", {"isUsed": "True"}, external)
        dispositions = {"errorOrTruncationOperation": "Insert", "errorRowDisposition": "FailComponent"}
        ref_id = component.input(title, source, taken, node, has_side_effects=True, **dispositions)
        component.error_output("OLE DB Destination Error Output", passing=source.columns, exclusionGroup=1, synchronousInputId=ref_id)

    def data_reader(self, name, source, columns=None):
        component = Component(self, name, "Microsoft.ManagedComponentHost", "DataReader Destination", 2)
        component.properties = [
            prop("DataReader", "System.String", guid(self.package.name, name)),
            boolean("FailOnTimeout", False),
            integer("ReadTimeout", 30000),
            prop("UserComponentTypeName", "System.String", "Microsoft.DataReaderDestinationAdapter"),
        ]
        title = "DataReader Input"
        chosen = [source.column(column) for column in columns] if columns else source.columns
        taken = [component.input_column(title, column) for column in chosen]
        component.input(title, source, taken, has_side_effects=True)

    # Row-wise transforms

    def derived_column(self, name, source, added=(), replaced=(), disposition="FailComponent"):
        """`added`: (name, type, expression with [Column]); `replaced`: (column, expression). Returns (output, errors)."""
        component = Component(self, name, "Microsoft.DerivedColumn", "Derived Column", 0, True)
        title = "Derived Column Input"
        known = source.columns

        def expressions(expression):
            return [
                prop("Expression", "System.String", friendly(expression, known), contains_id=True),
                prop("FriendlyExpression", "System.String", expression, "Notify"),
            ]

        dispositions = {
            "errorOrTruncationOperation": "Computation",
            "errorRowDisposition": disposition,
            "truncationRowDisposition": disposition,
        }
        replacing = dict(replaced)
        named = used([one[2] for one in added] + list(replacing.values()), source)
        columns = []
        for column in named + [source.column(one) for one in replacing if source.column(one) not in named]:
            if column.name in replacing:
                attributes = {"usageType": "readWrite", **dispositions}
                columns.append(component.input_column(title, column, expressions(replacing[column.name]), **attributes))
            else:
                columns.append(component.input_column(title, column))
        ref_id = component.input(title, source, columns)
        own = [(column, kind, dispositions, expressions(expression)) for column, kind, expression in added]
        group = {"exclusionGroup": 1, "synchronousInputId": ref_id}
        output = component.output("Derived Column Output", own, source.columns, **group)
        errors = component.error_output("Derived Column Error Output", passing=source.columns, **group)
        return output, errors

    def conditional_split(self, name, source, cases, default):
        """`cases`: (output name, expression with [Column]); returns the outputs, the default one last."""
        component = Component(self, name, "Microsoft.ConditionalSplit", "Conditional Split", 0, True)
        title = "Conditional Split Input"
        columns = [component.input_column(title, column) for column in used([one[1] for one in cases], source)]
        ref_id = component.input(title, source, columns)
        group = {"exclusionGroup": 1, "synchronousInputId": ref_id}
        outputs = []
        for position, (case, expression) in enumerate(cases):
            props = [
                prop("Expression", "System.String", friendly(expression, source.columns), contains_id=True),
                prop("FriendlyExpression", "System.String", expression, "Notify"),
                integer("EvaluationOrder", position),
            ]
            dispositions = {
                "errorOrTruncationOperation": "Computation",
                "errorRowDisposition": "FailComponent",
                "truncationRowDisposition": "FailComponent",
            }
            outputs.append(component.output(case, passing=source.columns, properties=props, **group, **dispositions))
        outputs.append(component.output(default, passing=source.columns, properties=[boolean("IsDefaultOut", True)], **group))
        component.error_output("Conditional Split Error Output", passing=source.columns, **group)
        return outputs

    def data_conversion(self, name, source, converted, disposition="FailComponent"):
        """`converted`: (new name, type, column, fast parse). Returns (output, errors)."""
        component = Component(self, name, "Microsoft.DataConvert", "Data Conversion", 0, True)
        title = "Data Conversion Input"
        names = list(dict.fromkeys(one[2] for one in converted))
        columns = [component.input_column(title, source.column(column)) for column in names]
        ref_id = component.input(title, source, columns)
        dispositions = {
            "errorOrTruncationOperation": "Conversion",
            "errorRowDisposition": disposition,
            "truncationRowDisposition": disposition,
        }
        own = []
        for new, kind, column, fast in converted:
            lineage = "#{" + source.column(column).lineage + "}"
            props = [
                prop("SourceInputColumnLineageID", "System.Int32", lineage, contains_id=True),
                boolean("FastParse", fast),
            ]
            own.append((new, kind, dispositions, props))
        group = {"exclusionGroup": 1, "synchronousInputId": ref_id}
        output = component.output("Data Conversion Output", own, source.columns, **group)
        errors = component.error_output("Data Conversion Error Output", passing=source.columns, **group)
        return output, errors

    def lookup(self, name, manager, query, reference, source, joined, copied, cache=0):
        """`cache`: 0 full, 1 partial, 2 none. `reference`: (column, type, name of the type as DT_...) of the query; `joined`: (arriving column,
        column of the reference); `copied`: columns of the reference. Returns (match output, no-match output)."""
        component = Component(self, name, "Microsoft.Lookup", "Lookup", 6, True)
        described = "".join(
            f'<referenceColumn name="{column}" dataType="{dt}" length="{kind.length}" precision="0" scale="0" codePage="0"/>'
            for column, kind, dt in reference
        )
        where = " and ".join(f"[refTable].[{column}] = ?" for _, column in joined)
        component.properties = [
            prop("SqlCommand", "System.String", query),
            prop("SqlCommandParam", "System.String", f"select * from ({query}) [refTable]\nwhere {where}"),
            integer("ConnectionType", 0),
            integer("CacheType", cache),
            integer("NoMatchBehavior", 1),
            integer("NoMatchCachePercentage", 0),
            integer("MaxMemoryUsage", 25),
            prop("MaxMemoryUsage64", "System.Int64", 25),
            prop(
                "ReferenceMetadataXml",
                "System.String",
                f"<referenceMetadata><referenceColumns>{described}</referenceColumns></referenceMetadata>",
            ),
            prop(
                "ParameterMap",
                "System.String",
                "".join("#{" + source.column(column).lineage + "};" for column, _ in joined),
                contains_id=True,
            ),
            integer("DefaultCodePage", 1252),
            boolean("TreatDuplicateKeysAsError", False),
        ]
        component.connect(manager, "OleDbConnection")
        title = "Lookup Input"
        columns = [
            component.input_column(title, source.column(column), [prop("JoinToReferenceColumn", "System.String", other)])
            for column, other in joined
        ]
        ref_id = component.input(title, source, columns)
        group = {"exclusionGroup": 1, "synchronousInputId": ref_id}
        types = {column: kind for column, kind, _ in reference}
        own = [(one, types[one], {}, [prop("CopyFromReferenceColumn", "System.String", one)]) for one in copied]
        failing = {"errorOrTruncationOperation": "Lookup", "errorRowDisposition": "FailComponent"}
        match = component.output("Lookup Match Output", own, source.columns, **group, **failing)
        no_match = component.output("Lookup No Match Output", passing=source.columns, **group)
        component.error_output("Lookup Error Output", passing=source.columns, **group)
        return match, no_match

    def multicast(self, name, source, outputs):
        component = Component(self, name, "Microsoft.Multicast", "Multicast")
        ref_id = component.input("Multicast Input 1", source)
        return [
            component.output(output, passing=source.columns, dangling=True, synchronousInputId=ref_id) for output in outputs
        ]

    def row_count(self, name, source, variable):
        component = Component(self, name, "Microsoft.RowCount", "Row Count")
        component.properties = [prop("VariableName", "System.String", variable)]
        ref_id = component.input("Row Count Input 1", source, has_side_effects=True)
        return component.output("Row Count Output 1", passing=source.columns, synchronousInputId=ref_id)

    # Transforms that hold rows

    def sort(self, name, source, keys, unique=False):
        """`keys`: column names, `-name` for descending."""
        component = Component(self, name, "Microsoft.Sort", "Sort", 1)
        component.properties = [boolean("EliminateDuplicates", unique), integer("MaximumThreads", -1)]
        title = "Sort Input"
        positions = {key.lstrip("-"): (at + 1) * (-1 if key.startswith("-") else 1) for at, key in enumerate(keys)}
        columns, own = [], []
        for column in source.columns:
            position = positions.get(column.name, 0)
            props = [integer("NewComparisonFlags", 0), integer("NewSortKeyPosition", position)]
            columns.append(component.input_column(title, Arriving(column.name, column.type, column.lineage), props))
            lineage = "#{" + column.lineage + "}"
            named = {"sortKeyPosition": position} if position else {}
            own.append((column.name, column.type, named, [prop("SortColumnId", "System.Int32", lineage, contains_id=True)]))
        component.input(title, source, columns)
        return component.output("Sort Output", own, isSorted=True)

    def aggregate(self, name, source, columns):
        """`columns`: (output name, type, source column, operation): 0 group by, 1 count, 2 count all, 3 count distinct,
        4 sum, 5 average, 6 minimum, 7 maximum; the source column of 2 is empty."""
        component = Component(self, name, "Microsoft.Aggregate", "Aggregate")
        component.properties = [
            integer("KeyScale", 0),
            integer("AutoExtendFactor", 25),
            integer("CountDistinctScale", 0),
        ]
        title = "Aggregate Input 1"
        names = list(dict.fromkeys(one[2] for one in columns if one[2]))
        component.input(title, source, [component.input_column(title, source.column(column)) for column in names])
        own = []
        for new, kind, column, operation in columns:
            lineage = "#{" + source.column(column).lineage + "}" if column else "0"
            props = [
                prop("AggregationColumnId", "System.Int32", lineage, contains_id=True),
                integer("AggregationType", operation),
                integer("IsBig", 1 if operation in (2, 3, 4) else 0),
                integer("AggregationComparisonFlags", 0),
            ]
            own.append((new, kind, {}, props))
        return component.output("Aggregate Output 1", own, properties=[integer("Keys", 0), integer("KeyScale", 0)])

    def combine(self, name, class_id, title, sources, labels, is_sorted):
        """Union All and Merge: the columns of the first source, the others' by name."""
        component = Component(self, name, class_id, title, 1 if is_sorted else 0)
        first = sources[0]
        output_id = f"{component.ref_id}.Outputs[{labels[-1]}]"
        for label, source in zip(labels, sources):
            columns = []
            for column in first.columns:
                lineage = "#{" + f"{output_id}.Columns[{column.name}]" + "}"
                props = [prop("OutputColumnLineageID", "System.Int32", lineage, contains_id=True)]
                columns.append(component.input_column(label, source.column(column.name), props))
            component.input(label, source, columns)
        own = []
        for column in first.columns:
            named = {"sortKeyPosition": column.sort_position} if is_sorted and column.sort_position else {}
            own.append((column.name, column.type, named, ()))
        return component.output(labels[-1], own, **({"isSorted": True} if is_sorted else {}))

    def merge(self, name, left, right):
        labels = ["Merge Input 1", "Merge Input 2", "Merge Output 1"]
        return self.combine(name, "Microsoft.Merge", "Merge", [left, right], labels, True)

    def union_all(self, name, *sources):
        labels = [f"Union All Input {at + 1}" for at in range(len(sources))] + ["Union All Output 1"]
        return self.combine(name, "Microsoft.UnionAll", "Union All", list(sources), labels, False)

    def merge_join(self, name, left, right, kind, left_columns, right_columns, keys=1):
        """`kind`: 0 full, 1 left, 2 inner. Columns: names, or (column, new name)."""
        component = Component(self, name, "Microsoft.MergeJoin", "Merge Join", 2)
        component.properties = [
            integer("JoinType", kind),
            integer("NumKeyColumns", keys),
            boolean("TreatNullsAsEqual", True),
            integer("MaxBuffersPerInput", 5),
        ]
        own = []
        sides = (("Merge Join Left Input", left, left_columns), ("Merge Join Right Input", right, right_columns))
        for title, source, columns in sides:
            pairs = [one if isinstance(one, tuple) else (one, one) for one in columns]
            wanted = [column for column in source.columns if column.sort_position]
            wanted += [source.column(column) for column, _ in pairs]
            wanted = [column for at, column in enumerate(wanted) if column not in wanted[:at]]
            component.input(title, source, [component.input_column(title, column) for column in wanted])
            for column, new in pairs:
                lineage = "#{" + f"{component.ref_id}.Inputs[{title}].Columns[{column}]" + "}"
                arriving = source.column(column)
                is_key = title.startswith("Merge Join Left") and arriving.sort_position
                named = {"sortKeyPosition": arriving.sort_position} if is_key else {}
                props = [prop("InputColumnID", "System.Int32", lineage, contains_id=True)]
                own.append((new, arriving.type, named, props))
        return component.output("Merge Join Output", own, isSorted=True)

    def node(self):
        pipeline = Node(
            "pipeline",
            {"version": 1},
            [
                Node("components", children=[component.node() for component in self.components]),
                Node("paths", children=self.paths) if self.paths else None,
            ],
        )
        return dts(
            "Executable",
            {
                "refId": self.ref_id,
                "CreationName": "Microsoft.Pipeline",
                "Description": "Data Flow Task",
                "DTSID": guid(self.package.name, self.name),
                "ExecutableType": "Microsoft.Pipeline",
                "LocaleID": -1,
                "ObjectName": self.name,
            },
            [dts("Variables"), dts("ObjectData", children=[pipeline])],
        )


class OleDb:
    """An OLE DB connection manager."""

    def __init__(self, package, name, connection_string):
        self.package, self.name, self.connection_string = package, name, connection_string

    @property
    def ref_id(self):
        return f"Package.ConnectionManagers[{self.name}]"

    def node(self):
        named = {
            "refId": self.ref_id,
            "CreationName": "OLEDB",
            "DTSID": guid(self.package.name, "connection", self.name),
            "ObjectName": self.name,
        }
        inner = dts("ConnectionManager", {"ConnectionString": self.connection_string})
        return dts("ConnectionManager", named, [dts("ObjectData", children=[inner])])


class ExecuteSql:
    """An Execute SQL task. `results`: (column, variable) of a single row."""

    def __init__(self, owner, name, manager, statement, results=(), parameters=()):
        self.owner, self.package, self.name, self.manager = owner, owner.package, name, manager
        self.statement, self.results, self.parameters = statement, results, parameters

    @property
    def ref_id(self):
        return f"{self.owner.ref_id}\\{self.name}"

    def node(self):
        space = "www.microsoft.com/sqlserver/dts/tasks/sqltask"
        named = {
            "xmlns:SQLTask": space,
            "SQLTask:Connection": guid(self.package.name, "connection", self.manager.name),
            "SQLTask:SqlStatementSource": self.statement,
        }
        if self.results:
            named["SQLTask:ResultType"] = "ResultSetType_SingleRow"
        bindings = [
            Node("SQLTask:ResultBinding", {"SQLTask:ResultName": column, "SQLTask:DtsVariableName": variable})
            for column, variable in self.results
        ]
        bindings += [
            Node(
                "SQLTask:ParameterBinding",
                {
                    "SQLTask:ParameterName": at,
                    "SQLTask:DtsVariableName": variable,
                    "SQLTask:ParameterDirection": "Input",
                    "SQLTask:DataType": data_type,
                    "SQLTask:ParameterSize": -1,
                },
            )
            for at, (variable, data_type) in enumerate(self.parameters)
        ]
        return dts(
            "Executable",
            {
                "refId": self.ref_id,
                "CreationName": "Microsoft.ExecuteSQLTask",
                "Description": "Execute SQL Task",
                "DTSID": guid(self.package.name, self.name),
                "ExecutableType": "Microsoft.ExecuteSQLTask",
                "LocaleID": -1,
                "ObjectName": self.name,
            },
            [dts("Variables"), dts("ObjectData", children=[Node("SQLTask:SqlTaskData", named, bindings)])],
        )


class Task:
    """A task whose payload is one element: `class_id`, title and payload."""

    def __init__(self, owner, name, class_id, title, payload):
        self.owner, self.package, self.name = owner, owner.package, name
        self.class_id, self.title, self.payload = class_id, title, payload

    @property
    def ref_id(self):
        return f"{self.owner.ref_id}\\{self.name}"

    def node(self):
        named = {
            "refId": self.ref_id,
            "CreationName": self.class_id,
            "Description": self.title,
            "DTSID": guid(self.package.name, self.name),
            "ExecutableType": self.class_id,
            "LocaleID": -1,
            "ObjectName": self.name,
        }
        return dts("Executable", named, [dts("Variables"), dts("ObjectData", children=[self.payload])])


SUCCESS, FAILURE, COMPLETION = 0, 1, 2


class Container:
    """What holds tasks: they follow each other, unless constraints say otherwise."""

    def __init__(self, owner, name):
        self.owner, self.name = owner, name
        self.package = owner.package if owner else self
        self.flows, self.variables, self.constraints, self.handlers, self.attributes = [], [], None, [], {}

    @property
    def ref_id(self):
        return f"{self.owner.ref_id}\\{self.name}"

    def add(self, executable):
        self.flows.append(executable)
        return executable

    def execute_sql(self, name, manager, statement, results=(), parameters=()):
        return self.add(ExecuteSql(self, name, manager, statement, results, parameters))

    def data_flow(self, name):
        return self.add(DataFlow(self, name))

    def expression(self, name, text):
        payload = Node("ExpressionTask", {"Expression": text})
        return self.add(Task(self, name, "Microsoft.ExpressionTask", "Expression Task", payload))

    def move_file(self, name, source, target):
        """Moves the file that one variable names to where another says."""
        named = {
            "TaskOperationType": "MoveFile",
            "TaskOverwriteDestFile": "True",
            "TaskSourcePath": source,
            "TaskIsSourceVariable": "True",
            "TaskDestinationPath": target,
            "TaskIsDestinationVariable": "True",
        }
        payload = Node("FileSystemData", named)
        return self.add(Task(self, name, "Microsoft.FileSystemTask", "File System Task", payload))

    def sequence(self, name):
        return self.add(Sequence(self, name))

    def for_each_file(self, name, folder, pattern, variable):
        return self.add(ForEachFile(self, name, folder, pattern, variable))

    def on(self, event):
        """The container of the handler of an event."""
        self.handlers.append(Handler(self, event))
        return self.handlers[-1]

    def join(self, source, target, value=SUCCESS, expression=None, both=True):
        """A precedence constraint; the first takes away the order of the document. `both`: LogicalAnd."""
        self.constraints = self.constraints or []
        self.constraints.append((source, target, value, expression, both))

    def text_variable(self, name, value="", expression=None):
        """A User variable of type String."""
        return self.variable(name, value, 8, expression)

    def variable(self, name, value, data_type=20, expression=None):
        """A User variable of type Int64."""
        evaluated = {"EvaluateAsExpression": "True", "Expression": expression} if expression else {}
        self.variables.append(
            dts(
                "Variable",
                {
                    "CreationName": "",
                    "DTSID": guid(self.package.name, "variable", name),
                    **evaluated,
                    "IncludeInDebugDump": 6789,
                    "Namespace": "User",
                    "ObjectName": name,
                },
                [dts("VariableValue", {"DataType": data_type}, content=str(value))],
            )
        )
        return f"User::{name}"

    def constraint_nodes(self):
        pairs = self.constraints
        if pairs is None:
            pairs = [(one, two, SUCCESS, None, True) for one, two in zip(self.flows, self.flows[1:])]
        return [self.constraint(at + 1, *pair) for at, pair in enumerate(pairs)]

    def constraint(self, number, source, target, value, expression, both):
        within = () if self.owner is None else (self.name,)
        named = {
            "refId": f"{self.ref_id}.PrecedenceConstraints[Constraint {number}]",
            "CreationName": "",
            "DTSID": guid(self.package.name, *within, "constraint", str(number)),
        }
        if expression:
            named |= {"EvalOp": 3, "Expression": expression}
        named |= {
            "From": source.ref_id,
            "LogicalAnd": "True" if both else "False",
            "ObjectName": f"Constraint {number}",
            "To": target.ref_id,
        }
        if value:
            named["Value"] = value
        return dts("PrecedenceConstraint", named)

    def parts(self):
        """Variables, executables, constraints and handlers."""
        constraints = self.constraint_nodes()
        return [
            dts("Variables", children=self.variables),
            dts("Executables", children=[flow.node() for flow in self.flows]),
            dts("PrecedenceConstraints", children=constraints) if constraints else None,
            dts("EventHandlers", children=[handler.node() for handler in self.handlers]) if self.handlers else None,
        ]

    def named(self, class_id, title):
        return {
            "refId": self.ref_id,
            "CreationName": class_id,
            "Description": title,
            "DTSID": guid(self.package.name, self.name),
            "ExecutableType": class_id,
            "LocaleID": -1,
            **self.attributes,
            "ObjectName": self.name,
        }


class Sequence(Container):
    def node(self):
        return dts("Executable", self.named("STOCK:SEQUENCE", "Sequence Container"), self.parts())


class Handler(Container):
    @property
    def ref_id(self):
        return f"{self.owner.ref_id}.EventHandlers[{self.name}]"

    def node(self):
        named = {
            "refId": self.ref_id,
            "CreationName": self.name,
            "DTSID": guid(self.package.name, self.owner.ref_id, self.name),
            "EventName": self.name,
            "LocaleID": -1,
        }
        return dts("EventHandler", named, self.parts())


class ForEachFile(Container):
    """A loop over the files of a folder; `variable` takes the path of each."""

    def __init__(self, owner, name, folder, pattern, variable):
        super().__init__(owner, name)
        self.folder, self.pattern, self.variable_name = folder, pattern, variable

    def node(self):
        properties = {"Folder": self.folder, "FileSpec": self.pattern, "FileNameRetrievalType": 0, "Recurse": 0}
        inner = Node(
            "ForEachFileEnumeratorProperties",
            children=[Node("FEFEProperty", {name: value}) for name, value in properties.items()],
        )
        enumerator = dts(
            "ForEachEnumerator",
            {
                "CreationName": "Microsoft.ForEachFileEnumerator",
                "DTSID": guid(self.package.name, self.name, "enumerator"),
                "ObjectName": guid(self.package.name, self.name, "enumerator"),
            },
            [dts("ObjectData", children=[inner])],
        )
        mapping = dts(
            "ForEachVariableMapping",
            {
                "CreationName": "",
                "DTSID": guid(self.package.name, self.name, "mapping"),
                "ObjectName": guid(self.package.name, self.name, "mapping"),
                "ValueIndex": 0,
                "VariableName": self.variable_name,
            },
        )
        children = [enumerator, *self.parts(), dts("ForEachVariableMappings", children=[mapping])]
        return dts("Executable", self.named("STOCK:FOREACHLOOP", "Foreach Loop Container"), children)


class Package(Container):
    def __init__(self, name):
        super().__init__(None, name)
        self.managers = []

    @property
    def ref_id(self):
        return "Package"

    def flat_file(self, name, path, columns, **settings):
        manager = FlatFile(self, name, path, columns, **settings)
        self.managers.append(manager)
        return manager

    def ole_db(self, name, connection_string):
        self.managers.append(OleDb(self, name, connection_string))
        return self.managers[-1]

    def node(self):
        root = {
            "xmlns:DTS": "www.microsoft.com/SqlServer/Dts",
            "DTS:refId": "Package",
            "DTS:CreationDate": "11/2/2026 9:00:00 AM",
            "DTS:CreationName": "Microsoft.Package",
            "DTS:CreatorComputerName": "FLETCHING",
            "DTS:CreatorName": "FLETCHING\\engineer",
            "DTS:DTSID": guid(self.name),
            "DTS:ExecutableType": "Microsoft.Package",
            "DTS:LastModifiedProductVersion": "16.0.5685.0",
            "DTS:LocaleID": 1033,
            "DTS:ObjectName": self.name,
            "DTS:PackageType": 5,
            "DTS:VersionBuild": 1,
            "DTS:VersionGUID": guid(self.name, "version"),
        }
        children = [
            dts("Property", {"Name": "PackageFormatVersion"}, content="8"),
            dts("ConnectionManagers", children=[manager.node() for manager in self.managers]),
            *self.parts(),
        ]
        return Node("DTS:Executable", root, children)

    def write(self, path):
        xml = '<?xml version="1.0"?>\n' + "\n".join(self.node().lines()) + "\n"
        with open(path, "w", encoding="utf-8", newline="\r\n") as file:
            file.write(xml)
