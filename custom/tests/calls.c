/* Calls times_two.c as a host does, so that AddressSanitizer sees what it does with memory: scripts/test-plugin. */
#include "fletching_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                      \
    if (!(condition)) {                                                       \
        printf("calls.c:%d: %s does not hold\n", __LINE__, #condition);       \
        exit(1);                                                              \
    }

static const struct FletchingComponentClass *registered;
static char heard[200];
static uint32_t heard_code;
static int32_t values[4];
static int64_t value_count, null_count, failed_row;
static uint32_t route[4];

static int32_t add_component(void *context, struct FletchingComponentClass *class, const struct FletchingListener *failure) {
    (void)context;
    (void)failure;
    registered = class;
    return 0;
}

static void hear(void *context, struct FletchingText text, uint32_t code) {
    (void)context;
    snprintf(heard, sizeof(heard), "%.*s", (int)text.length, text.data);
    heard_code = code;
}

static int32_t column(void *context, struct ArrowSchema *schema, struct ArrowArray *array) {
    (void)context;
    value_count = array->length;
    null_count = array->null_count;
    memcpy(values, array->buffers[1], (size_t)value_count * sizeof(int32_t));
    array->release(array);
    schema->release(schema);
    return 0;
}

static int32_t take_route(void *context, struct FletchingNumbers outputs) {
    (void)context;
    memcpy(route, outputs.items, outputs.length * sizeof(uint32_t));
    return 0;
}

static int32_t failed(void *context, uint32_t row, int64_t at, struct FletchingText message, uint32_t code) {
    (void)context;
    (void)at;
    (void)message;
    (void)code;
    failed_row = row;
    return 0;
}

static const struct FletchingListener listener = {sizeof(listener), NULL, hear};
static const struct FletchingApplied receiver = {sizeof(receiver), NULL, column, NULL, take_route, failed};

static int32_t apply(struct FletchingSynchronous *object, const int32_t *numbers, int64_t length) {
    struct ArrowSchema number = {.format = "i", .name = "number"};
    struct ArrowSchema *fields[] = {&number};
    struct ArrowSchema schema = {.format = "+s", .name = "", .n_children = 1, .children = fields};
    const void *buffers[] = {NULL, numbers};
    struct ArrowArray array = {.length = length, .n_buffers = 2, .buffers = buffers};
    struct ArrowArray *children[] = {&array};
    const void *none[] = {NULL};
    struct ArrowArray batch = {.length = length, .n_buffers = 1, .n_children = 1, .buffers = none, .children = children};
    return object->apply(object, &schema, &batch, &receiver, &listener);
}

static int32_t read_component(const char *keep, struct FletchingComponent *out) {
    struct FletchingPair property = {FLETCHING_TEXT("Keep"), {keep, strlen(keep)}};
    struct FletchingColumn number = {.size = sizeof(number), .name = FLETCHING_TEXT("number")};
    const struct FletchingColumn *columns[] = {&number};
    struct FletchingInputSpec input = {.size = sizeof(input), .columns = {columns, 1}};
    const struct FletchingInputSpec *inputs[] = {&input};
    struct FletchingComponentSpec spec = {.size = sizeof(spec), .properties = {&property, 1}, .inputs = {inputs, 1}};
    return registered->read(registered, &spec, out, &listener);
}

int main(void) {
    struct FletchingRegistry registry = {.size = sizeof(registry), .add_component = add_component};
    CHECK(fletching_plugin_v1(&registry, &listener) == 0);
    struct FletchingComponent component = {.size = sizeof(component)};
    CHECK(read_component("some", &component) != 0);
    CHECK(strcmp(heard, "Keep: odd or all is wanted") == 0);
    CHECK(component.synchronous == NULL);

    CHECK(read_component("odd", &component) == 0);
    const int32_t numbers[] = {1, 2, INT32_MAX, -3};
    CHECK(apply(component.synchronous, numbers, 4) == 0);
    CHECK(value_count == 4 && null_count == 1 && failed_row == 2);
    CHECK(values[0] == 2 && values[3] == -6);
    CHECK(route[0] == 0 && route[1] == FLETCHING_DROPPED && route[3] == 0);
    const int32_t unlucky[] = {13};
    CHECK(apply(component.synchronous, unlucky, 1) != 0);
    CHECK(heard_code == 0xC0010013);
    CHECK(apply(component.synchronous, numbers, 0) == 0 && value_count == 0);
    component.synchronous->release(component.synchronous);
    printf("calls: passed\n");
    return 0;
}
