/* Reads a DataReader destination through fletching.h; scripts/test-c compiles it with AddressSanitizer and looks at what it
 * prints.
 *
 *     reader CONNECTION_STRING NAME [PARAMETER VALUE]...      rows, then how they ended
 *     reader --first CONNECTION_STRING NAME                   one batch, then the stream is released
 */
#include "fletching.h"

#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
    int first_only = count > 1 && strcmp(words[1], "--first") == 0;
    char **given = words + 1 + first_only;
    int left = count - 1 - first_only;
    char *error = NULL;
    if (left < 2) {
        fprintf(stderr, "usage: reader [--first] CONNECTION_STRING NAME [PARAMETER VALUE]...\n");
        return 2;
    }
    char *names = fletching_readers(given[0], &error);
    if (names == NULL) {
        printf("no readers: %s\n", error);
        fletching_free(error);
        error = NULL;
    } else {
        printf("version %s, readers: %s", fletching_version(), names);
        fletching_free(names);
    }
    struct ArrowArrayStream rows;
    /* The arguments of main end with NULL, as the list of parameters does. */
    if (fletching_open_reader(given[0], given[1], (const char *const *)(given + 2), &rows, &error) != 0) {
        printf("not opened: %s\n", error);
        fletching_free(error);
        return 1;
    }
    struct ArrowSchema schema;
    if (rows.get_schema(&rows, &schema) != 0) {
        printf("no schema: %s\n", rows.get_last_error(&rows));
        rows.release(&rows);
        return 1;
    }
    for (int64_t at = 0; at < schema.n_children; at++) {
        printf("%s: %s\n", schema.children[at]->name, schema.children[at]->format);
    }
    schema.release(&schema);
    int64_t total = 0;
    int failed = 0;
    for (;;) {
        struct ArrowArray batch;
        failed = rows.get_next(&rows, &batch);
        if (failed) {
            printf("failed: %s\n", rows.get_last_error(&rows));
            break;
        }
        if (batch.release == NULL) {
            break;
        }
        total += batch.length;
        batch.release(&batch);
        if (first_only) {
            break;
        }
    }
    rows.release(&rows);
    printf("%s %lld rows\n", first_only ? "first" : "all", (long long)total);
    return failed ? 1 : 0;
}
