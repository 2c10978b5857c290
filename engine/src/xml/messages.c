/* What libxslt says arrives as a format with arguments, which Rust cannot take: made a text here. */
#include <stdarg.h>
#include <stdio.h>

extern void fletching_xml_message(const char *text);

void fletching_xml_format(void *context, const char *format, ...)
{
    char text[2048];
    va_list arguments;

    (void)context;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fletching_xml_message(text);
}
