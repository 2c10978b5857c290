/* Fletching from C: the rows of an SSIS package's DataReader destination as an ArrowArrayStream.
 *
 *     struct ArrowArrayStream rows;
 *     char *error = NULL;
 *     if (fletching_open_reader("/FILE \"Report.dtsx\"", "Totals by region", NULL, &rows, &error) != 0) {
 *         fprintf(stderr, "%s\n", error);
 *         fletching_free(error);
 *     }
 *     ... rows.get_schema, rows.get_next until the array is released ...
 *     rows.release(&rows);
 *
 * The package runs in the background while the stream is read. Releasing the stream before its end cancels the run and waits
 * for it. A failure of the package, however late, is an error of get_next: a failed run never looks like a short success.
 * A stream is used by one thread at a time; it may be handed to another.
 */
#ifndef FLETCHING_H
#define FLETCHING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The Arrow C stream interface, as https://arrow.apache.org/docs/format/CStreamInterface.html defines it. */
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

/* Loads the package that `connection_string` names by arguments of dtexec (/FILE, /PROJECT and /PACKAGE, /DECRYPT, /SET,
 * /CONNECTION, /PARAMETER, /CONFIGFILE), runs it and opens the DataReader destination `reader`. A fletching.toml beside the
 * package counts.
 *
 * `parameters`: names and values by turns, ended by NULL; each sets the variable DtsClient::name. NULL for none.
 *
 * Returns 0 and fills `out`; or another number and, if `error` is not NULL, sets it to a message in UTF-8 that
 * fletching_free frees. All texts are UTF-8 and end with a zero byte. */
int fletching_open_reader(const char *connection_string, const char *reader, const char *const *parameters,
                          struct ArrowArrayStream *out, char **error);

/* The DataReader destinations of the package, a name a line, without running it; NULL and a message in `error` on failure.
 * fletching_free frees it. */
char *fletching_readers(const char *connection_string, char **error);

/* Frees a text that this library returned; NULL is allowed. */
void fletching_free(char *text);

/* The version of the library: not to be freed. */
const char *fletching_version(void);

#ifdef __cplusplus
}
#endif

#endif /* FLETCHING_H */
