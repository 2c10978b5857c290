/* Plug-ins for Fletching in C: components, tasks, connection managers, Foreach enumerators and log providers.
 *
 * A plug-in is a shared library that exports one function:
 *
 *     int32_t fletching_plugin_v1(const struct FletchingRegistry *registry, const struct FletchingListener *failure) {
 *         return registry->add_component(registry->context, &mask_class, failure);
 *     }
 *
 *     cc -std=c11 -shared -fPIC -I.../custom/include mask.c -o mask.so
 *     fletch run Package.dtsx --plugin mask.so
 *
 * What holds for all of it:
 *
 * - Every structure with a `size` begins with it: set it to sizeof the structure. Read no further into a structure of the host
 *   than its `size`; structures grow at their end, and a function that is not there is NULL.
 * - Texts are UTF-8, with a length and without a zero byte at their end. Texts, lists and specifications that you are given are
 *   lent: copy what you keep. What you tell a listener is copied at once, so that it may be on your stack.
 * - Functions return 0, or another number when they failed and told `failure` (or every one of the `problems`) why.
 * - An object is a structure of yours that begins with one of these. The host calls `release` of each once, when it needs it no
 *   longer; NULL if there is nothing to release (a class is mostly static).
 * - Rows are Arrow's C data interface, https://arrow.apache.org/docs/format/CDataInterface.html. A batch is a structure array.
 *   A batch that you are given may be moved out; if you do not, the host releases it after the call: look, do not release.
 *   An array that you give is moved from you, also if it is refused: do not touch it afterwards.
 * - The host casts what you give to the types of the design where every value stays the same (`u` or `U` where `vu` is wanted,
 *   int64 where int32 is). Columns of batches go by their names, columns of `applied` by their order.
 * - Listeners, receivers and the host that you are given are for the call, and (all but FletchingHost) for its thread.
 * - Classes, FletchingSource, FletchingSynchronous, FletchingAsynchronous, FletchingDestination, FletchingTask and
 *   FletchingEnumerator are used by several threads at once; FletchingProcess, FletchingWriter, FletchingLog and streams by one
 *   at a time.
 * - No exception and no longjmp may leave a function.
 */
#ifndef FLETCHING_PLUGIN_H
#define FLETCHING_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

/* Texts and lists. */

struct FletchingText {
    const char *data;
    size_t length;
};

struct FletchingPair {
    struct FletchingText name;
    struct FletchingText value;
};

struct FletchingTexts {
    const struct FletchingText *items;
    size_t length;
};

struct FletchingPairs {
    const struct FletchingPair *items;
    size_t length;
};

struct FletchingNumbers {
    const uint32_t *items;
    size_t length;
};

/* A text of a literal. */
#define FLETCHING_TEXT(literal) {(literal), sizeof(literal) - 1}

/* Hears why something failed, each of several problems, or an answer. `code`: an HRESULT, or 0. */
struct FletchingListener {
    size_t size;
    void *context;
    void (*hear)(void *context, struct FletchingText text, uint32_t code);
};

/* How packages name a class: {GUID}, ProgID or .NET type; the first is shown. */
struct FletchingNames {
    struct FletchingTexts ids;
    struct FletchingText title;
    struct FletchingText description;
};

/* Components of the data flow. */

struct FletchingColumn {
    size_t size;
    struct FletchingText name;
    struct FletchingPairs properties;
    struct FletchingText id;
    struct FletchingText lineage;
    uint32_t replaced; /* 1: the package lets the component give it new values */
};

struct FletchingColumns {
    const struct FletchingColumn *const *items;
    size_t length;
};

struct FletchingInputSpec {
    size_t size;
    struct FletchingText name;
    const struct ArrowSchema *schema; /* the columns that the package selects; lent */
    struct FletchingColumns columns;
    struct FletchingPairs properties;
};

struct FletchingOutputSpec {
    size_t size;
    struct FletchingText name;
    uint32_t is_error;
    uint32_t connected;
    const struct ArrowSchema *schema; /* the columns that the component makes; lent */
    struct FletchingColumns columns;
    struct FletchingPairs properties;
};

struct FletchingInputs {
    const struct FletchingInputSpec *const *items;
    size_t length;
};

struct FletchingOutputs {
    const struct FletchingOutputSpec *const *items;
    size_t length;
};

struct FletchingComponentSpec {
    size_t size;
    struct FletchingText name;
    struct FletchingText path;
    struct FletchingPairs properties;
    struct FletchingInputs inputs;   /* those that a path arrives at */
    struct FletchingOutputs outputs; /* the error outputs among them */
    struct FletchingPairs connections;
    uint32_t locale_id;
    struct FletchingText folder; /* where relative file names of the package start */
};

/* Makes rows. An error code of the stream with the highest bit set is an HRESULT. */
struct FletchingSource {
    size_t size;
    void (*release)(struct FletchingSource *);
    int32_t (*open)(const struct FletchingSource *, struct ArrowArrayStream *out, const struct FletchingListener *failure);
    /* Nobody wants more rows: what waits ends soon. Called from another thread; NULL if nothing waits. */
    void (*cancel)(const struct FletchingSource *);
};

#define FLETCHING_DROPPED UINT32_MAX

/* Takes what became of a batch. */
struct FletchingApplied {
    size_t size;
    void *context;
    /* The next column that the component makes, in the order of the output. */
    int32_t (*column)(void *context, struct ArrowSchema *schema, struct ArrowArray *array);
    /* New values of an input column, by its position. */
    int32_t (*replaced)(void *context, size_t position, struct ArrowSchema *schema, struct ArrowArray *array);
    /* For each row the output that it goes to, without the error outputs, or FLETCHING_DROPPED. Not called: all to the first. */
    int32_t (*route)(void *context, struct FletchingNumbers outputs);
    /* A row that failed: its disposition decides. `column`: position of the input column to blame, or -1. */
    int32_t (*failed)(void *context, uint32_t row, int64_t column, struct FletchingText message, uint32_t code);
};

/* Maps batches to as many rows. */
struct FletchingSynchronous {
    size_t size;
    void (*release)(struct FletchingSynchronous *);
    int32_t (*apply)(const struct FletchingSynchronous *, struct ArrowSchema *schema, struct ArrowArray *batch,
                     const struct FletchingApplied *applied, const struct FletchingListener *failure);
};

struct FletchingBatchReceiver {
    size_t size;
    void *context;
    int32_t (*give)(void *context, struct ArrowSchema *schema, struct ArrowArray *batch);
};

/* One run of an asynchronous component: all of the first input comes first, then all of the second. */
struct FletchingProcess {
    size_t size;
    void (*release)(struct FletchingProcess *);
    int32_t (*push)(struct FletchingProcess *, size_t input, struct ArrowSchema *schema, struct ArrowArray *batch,
                    const struct FletchingBatchReceiver *ready, const struct FletchingListener *failure);
    int32_t (*finish)(struct FletchingProcess *, const struct FletchingBatchReceiver *ready,
                      const struct FletchingListener *failure);
};

/* Maps its inputs to the rows of its first output. */
struct FletchingAsynchronous {
    size_t size;
    void (*release)(struct FletchingAsynchronous *);
    int32_t (*start)(const struct FletchingAsynchronous *, struct FletchingProcess **out,
                     const struct FletchingListener *failure);
};

/* One run of a destination. Released without a commit it undoes what it wrote. */
struct FletchingWriter {
    size_t size;
    void (*release)(struct FletchingWriter *);
    int32_t (*write)(struct FletchingWriter *, struct ArrowSchema *schema, struct ArrowArray *batch,
                     const struct FletchingListener *failure);
    int32_t (*commit)(struct FletchingWriter *, const struct FletchingListener *failure);
};

/* Ends a flow. */
struct FletchingDestination {
    size_t size;
    void (*release)(struct FletchingDestination *);
    int32_t (*open)(const struct FletchingDestination *, struct FletchingWriter **out,
                    const struct FletchingListener *failure);
};

/* What a component does: set one member, and no other. All are NULL when you get it. */
struct FletchingComponent {
    size_t size;
    struct FletchingSource *source;
    struct FletchingSynchronous *synchronous;
    struct FletchingAsynchronous *asynchronous;
    struct FletchingDestination *destination;
};

#define FLETCHING_SOURCE 0
#define FLETCHING_TRANSFORM 1
#define FLETCHING_DESTINATION 2

struct FletchingNewOutput {
    struct FletchingText name;
    uint32_t is_synchronous; /* 1: the rows of the first input pass through */
    uint32_t is_error;       /* 1: for rows that failed */
};

struct FletchingNewOutputs {
    const struct FletchingNewOutput *items;
    size_t length;
};

struct FletchingComponentClass {
    size_t size;
    void (*release)(struct FletchingComponentClass *);
    struct FletchingNames names;
    uint32_t kind;
    struct FletchingPairs properties; /* those of a new component */
    /* Reads the settings of a component. Opens nothing. */
    int32_t (*read)(const struct FletchingComponentClass *, const struct FletchingComponentSpec *component,
                    struct FletchingComponent *out, const struct FletchingListener *problems);
    /* What a new component has; with neither inputs nor outputs those of its kind. */
    struct FletchingTexts inputs;
    struct FletchingNewOutputs outputs;
    struct FletchingTexts connections;
};

/* Tasks of the control flow. */

/* The package around a task or an enumerator that runs. */
struct FletchingHost {
    size_t size;
    void *context;
    /* The value of a variable or parameter, an array of one for you to release; another number than 0 if there is none. */
    int32_t (*variable)(void *context, struct FletchingText name, struct ArrowSchema *schema, struct ArrowArray *value);
    /* Gives a variable a value, an array of one, which is moved from you. */
    int32_t (*set_variable)(void *context, struct FletchingText name, struct ArrowSchema *schema, struct ArrowArray *value,
                            const struct FletchingListener *failure);
    /* Tells `answer` the connection string of a manager; another number than 0 if there is none. */
    int32_t (*connection)(void *context, struct FletchingText name, const struct FletchingListener *answer);
    /* Raises an event: 0 information, 1 warning, 2 progress with percent. */
    void (*say)(void *context, uint32_t kind, uint32_t percent, struct FletchingText text);
    /* 1 if the run is being cancelled: end soon. */
    int32_t (*is_canceled)(void *context);
    /* Tells `answer` what a path of the package is on this machine. */
    int32_t (*path)(void *context, struct FletchingText path, const struct FletchingListener *answer,
                    const struct FletchingListener *failure);
};

struct FletchingTaskSpec {
    size_t size;
    struct FletchingText name;
    struct FletchingText path;
    struct FletchingPairs properties;
    struct FletchingText xml; /* the element below ObjectData */
};

struct FletchingTask {
    size_t size;
    void (*release)(struct FletchingTask *);
    int32_t (*run)(const struct FletchingTask *, const struct FletchingHost *host, const struct FletchingListener *failure);
};

struct FletchingTaskClass {
    size_t size;
    void (*release)(struct FletchingTaskClass *);
    struct FletchingNames names;
    int32_t (*read)(const struct FletchingTaskClass *, const struct FletchingTaskSpec *task, struct FletchingTask **out,
                    const struct FletchingListener *problems);
};

/* Connection managers. */

struct FletchingConnectionManagerSpec {
    size_t size;
    struct FletchingText name;
    struct FletchingText connection_string; /* secrets filled in */
    struct FletchingPairs properties;
    struct FletchingText folder; /* where relative file names of the package start */
};

struct FletchingConnectionManagerClass {
    size_t size;
    void (*release)(struct FletchingConnectionManagerClass *);
    struct FletchingNames names;
    /* Tells `answer` the address that a manager stands for: a file, or a database (sqlite:..., mssql://...). */
    int32_t (*address)(const struct FletchingConnectionManagerClass *, const struct FletchingConnectionManagerSpec *manager,
                       const struct FletchingListener *answer, const struct FletchingListener *failure);
};

/* Foreach enumerators. */

struct FletchingEnumeratorSpec {
    size_t size;
    struct FletchingText path;
    struct FletchingPairs properties;
    struct FletchingText xml;
};

struct FletchingEnumerator {
    size_t size;
    void (*release)(struct FletchingEnumerator *);
    /* The rounds: a row each, its columns are the values that the variable mappings number from 0. */
    int32_t (*rounds)(const struct FletchingEnumerator *, const struct FletchingHost *host, struct ArrowArrayStream *out,
                      const struct FletchingListener *failure);
};

struct FletchingEnumeratorClass {
    size_t size;
    void (*release)(struct FletchingEnumeratorClass *);
    struct FletchingNames names;
    int32_t (*read)(const struct FletchingEnumeratorClass *, const struct FletchingEnumeratorSpec *enumerator,
                    struct FletchingEnumerator **out, const struct FletchingListener *problems);
};

/* Log providers. */

struct FletchingLogProviderSpec {
    size_t size;
    struct FletchingText name;
    struct FletchingText config_string;
    struct FletchingText connection_string;
};

struct FletchingLogEntry {
    size_t size;
    struct FletchingText event;
    struct FletchingText computer;
    struct FletchingText operator_name;
    struct FletchingText source;
    struct FletchingText source_id;
    struct FletchingText execution_id;
    int64_t time_us; /* microseconds since 1970-01-01 UTC */
    int32_t data_code;
    struct FletchingText message;
};

struct FletchingLog {
    size_t size;
    void (*release)(struct FletchingLog *);
    int32_t (*write)(struct FletchingLog *, const struct FletchingLogEntry *entry, const struct FletchingListener *failure);
    int32_t (*close)(struct FletchingLog *, const struct FletchingListener *failure);
};

struct FletchingLogProviderClass {
    size_t size;
    void (*release)(struct FletchingLogProviderClass *);
    struct FletchingNames names;
    /* Tells every problem with the settings; NULL: there are none. */
    int32_t (*check)(const struct FletchingLogProviderClass *, const struct FletchingLogProviderSpec *provider,
                     const struct FletchingListener *problems);
    int32_t (*open)(const struct FletchingLogProviderClass *, const struct FletchingLogProviderSpec *provider,
                    struct FletchingLog **out, const struct FletchingListener *failure);
};

/* Takes classes: each is the registry's from then on, also if it is refused. */
struct FletchingRegistry {
    size_t size;
    uint32_t revision; /* how often the structures of version 1 have grown */
    void *context;
    int32_t (*add_component)(void *context, struct FletchingComponentClass *, const struct FletchingListener *failure);
    int32_t (*add_task)(void *context, struct FletchingTaskClass *, const struct FletchingListener *failure);
    int32_t (*add_connection_manager)(void *context, struct FletchingConnectionManagerClass *,
                                      const struct FletchingListener *failure);
    int32_t (*add_enumerator)(void *context, struct FletchingEnumeratorClass *, const struct FletchingListener *failure);
    int32_t (*add_log_provider)(void *context, struct FletchingLogProviderClass *, const struct FletchingListener *failure);
};

/* The function that a plug-in exports. */
int32_t fletching_plugin_v1(const struct FletchingRegistry *registry, const struct FletchingListener *failure);

#ifdef __cplusplus
}
#endif

#endif /* FLETCHING_PLUGIN_H */
