/* A plug-in in C: Contoso.TimesTwo, a synchronous component. Its input has one column of DT_I4, and its output makes one, of
 * DT_I4: twice the number. A number that is too large for that fails as a row; one that is 13 fails the data flow. Its property
 * Keep=odd drops rows of even numbers.
 *
 * scripts/test-plugin runs a package with it, and calls it under AddressSanitizer (calls.c).
 */
#include "fletching_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What Rust has: custom/src/abi. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct FletchingListener) == 24, "FletchingListener");
_Static_assert(sizeof(struct FletchingNames) == 48, "FletchingNames");
_Static_assert(sizeof(struct FletchingRegistry) == 64, "FletchingRegistry");
_Static_assert(sizeof(struct FletchingComponentClass) == 144, "FletchingComponentClass");
_Static_assert(sizeof(struct FletchingComponentSpec) == 128, "FletchingComponentSpec");
_Static_assert(sizeof(struct FletchingInputSpec) == 64, "FletchingInputSpec");
_Static_assert(sizeof(struct FletchingOutputSpec) == 72, "FletchingOutputSpec");
_Static_assert(sizeof(struct FletchingColumn) == 80, "FletchingColumn");
_Static_assert(sizeof(struct FletchingComponent) == 40, "FletchingComponent");
_Static_assert(sizeof(struct FletchingSource) == 32, "FletchingSource");
_Static_assert(sizeof(struct FletchingSynchronous) == 24, "FletchingSynchronous");
_Static_assert(sizeof(struct FletchingApplied) == 48, "FletchingApplied");
_Static_assert(sizeof(struct FletchingAsynchronous) == 24, "FletchingAsynchronous");
_Static_assert(sizeof(struct FletchingProcess) == 32, "FletchingProcess");
_Static_assert(sizeof(struct FletchingBatchReceiver) == 24, "FletchingBatchReceiver");
_Static_assert(sizeof(struct FletchingDestination) == 24, "FletchingDestination");
_Static_assert(sizeof(struct FletchingWriter) == 32, "FletchingWriter");
_Static_assert(sizeof(struct FletchingTaskClass) == 72, "FletchingTaskClass");
_Static_assert(sizeof(struct FletchingTaskSpec) == 72, "FletchingTaskSpec");
_Static_assert(sizeof(struct FletchingTask) == 24, "FletchingTask");
_Static_assert(sizeof(struct FletchingHost) == 64, "FletchingHost");
_Static_assert(sizeof(struct FletchingConnectionManagerClass) == 72, "FletchingConnectionManagerClass");
_Static_assert(sizeof(struct FletchingConnectionManagerSpec) == 72, "FletchingConnectionManagerSpec");
_Static_assert(sizeof(struct FletchingEnumeratorClass) == 72, "FletchingEnumeratorClass");
_Static_assert(sizeof(struct FletchingEnumeratorSpec) == 56, "FletchingEnumeratorSpec");
_Static_assert(sizeof(struct FletchingEnumerator) == 24, "FletchingEnumerator");
_Static_assert(sizeof(struct FletchingLogProviderClass) == 80, "FletchingLogProviderClass");
_Static_assert(sizeof(struct FletchingLogProviderSpec) == 56, "FletchingLogProviderSpec");
_Static_assert(sizeof(struct FletchingLog) == 32, "FletchingLog");
_Static_assert(sizeof(struct FletchingLogEntry) == 136, "FletchingLogEntry");
_Static_assert(sizeof(struct FletchingNewOutput) == 24, "FletchingNewOutput");
#endif

struct times_two {
    struct FletchingSynchronous base;
    int odd_only;
};

static int32_t say(const struct FletchingListener *listener, const char *text, uint32_t code) {
    struct FletchingText told = {text, strlen(text)};
    listener->hear(listener->context, told, code);
    return 1;
}

static int is(struct FletchingText text, const char *wanted) {
    return text.length == strlen(wanted) && memcmp(text.data, wanted, text.length) == 0;
}

static void release_array(struct ArrowArray *array) {
    free((void *)array->buffers[0]);
    free((void *)array->buffers[1]);
    free(array->buffers);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema) {
    schema->release = NULL;
}

static int32_t apply(const struct FletchingSynchronous *base, struct ArrowSchema *schema, struct ArrowArray *batch,
                     const struct FletchingApplied *applied, const struct FletchingListener *failure) {
    const struct times_two *self = (const struct times_two *)base;
    if (schema->n_children < 1 || strcmp(schema->children[0]->format, "i") != 0) {
        return say(failure, "a first column of DT_I4 is wanted", 0);
    }
    const struct ArrowArray *column = batch->children[0];
    const uint8_t *valid = column->buffers[0];
    const int32_t *numbers = (const int32_t *)column->buffers[1] + column->offset;
    size_t rows = (size_t)column->length;
    /* Arrays go over with a length that is never zero bytes, so that malloc gives something to free. */
    uint8_t *made_valid = calloc(rows / 8 + 1, 1);
    int32_t *made = calloc(rows + 1, sizeof(int32_t));
    uint32_t *route = calloc(rows + 1, sizeof(uint32_t));
    const void **buffers = calloc(2, sizeof(void *));
    int64_t nulls = 0;
    int32_t status = 0;
    for (size_t row = 0; row < rows; row++) {
        size_t at = row + (size_t)column->offset;
        if (valid != NULL && (valid[at / 8] >> (at % 8) & 1) == 0) {
            nulls++;
            continue;
        }
        int64_t twice = (int64_t)numbers[row] * 2;
        if (numbers[row] == 13) {
            status = say(failure, "13 is not doubled", 0xC0010013);
            break;
        }
        if (twice > INT32_MAX || twice < INT32_MIN) {
            struct FletchingText text = FLETCHING_TEXT("twice that is too large");
            applied->failed(applied->context, (uint32_t)row, 0, text, 0);
            nulls++;
            continue;
        }
        made_valid[row / 8] |= (uint8_t)(1u << (row % 8));
        made[row] = (int32_t)twice;
        if (self->odd_only && numbers[row] % 2 == 0) {
            route[row] = FLETCHING_DROPPED;
        }
    }
    buffers[0] = made_valid;
    buffers[1] = made;
    struct ArrowArray array = {(int64_t)rows, nulls, 0, 2, 0, buffers, NULL, NULL, release_array, NULL};
    struct ArrowSchema type = {"i", "twice", NULL, 2, 0, NULL, NULL, release_schema, NULL};
    if (status == 0) {
        status = applied->column(applied->context, &type, &array);
    } else {
        array.release(&array);
    }
    if (status == 0 && self->odd_only) {
        struct FletchingNumbers outputs = {route, rows};
        status = applied->route(applied->context, outputs);
    }
    free(route);
    return status;
}

static void release(struct FletchingSynchronous *base) {
    free(base);
}

static int32_t read_settings(const struct FletchingComponentClass *class, const struct FletchingComponentSpec *component,
                             struct FletchingComponent *out, const struct FletchingListener *problems) {
    (void)class;
    int32_t failed = 0;
    int odd_only = 0;
    for (size_t at = 0; at < component->properties.length; at++) {
        struct FletchingPair property = component->properties.items[at];
        if (is(property.name, "Keep")) {
            odd_only = is(property.value, "odd");
            if (!odd_only && !is(property.value, "all")) {
                failed = say(problems, "Keep: odd or all is wanted", 0);
            }
        }
    }
    if (component->inputs.length != 1 || component->inputs.items[0]->columns.length != 1) {
        failed = say(problems, "one column of one input is wanted", 0);
    }
    if (failed) {
        return failed;
    }
    struct times_two *made = calloc(1, sizeof(struct times_two));
    made->base.size = sizeof(struct FletchingSynchronous);
    made->base.release = release;
    made->base.apply = apply;
    made->odd_only = odd_only;
    out->synchronous = &made->base;
    return 0;
}

static const struct FletchingText ids[] = {FLETCHING_TEXT("Contoso.TimesTwo")};
static const struct FletchingPair properties[] = {{FLETCHING_TEXT("Keep"), FLETCHING_TEXT("all")}};

static struct FletchingComponentClass class = {
    .size = sizeof(struct FletchingComponentClass),
    .names = {{ids, 1}, FLETCHING_TEXT("Times Two"), FLETCHING_TEXT("Twice the number")},
    .kind = FLETCHING_TRANSFORM,
    .properties = {properties, 1},
    .read = read_settings,
};

int32_t fletching_plugin_v1(const struct FletchingRegistry *registry, const struct FletchingListener *failure) {
    return registry->add_component(registry->context, &class, failure);
}
