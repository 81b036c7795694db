#include "CImageIO.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t *data;
    size_t size, capacity;
    char message[CIMAGE_MESSAGE];
} sink;

static void on_error(png_structp png, png_const_charp text) {
    sink *out = png_get_error_ptr(png);
    strncpy(out->message, text, CIMAGE_MESSAGE - 1);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static void append(png_structp png, png_bytep bytes, size_t count) {
    sink *out = png_get_io_ptr(png);
    if (count > out->capacity - out->size) {
        size_t capacity = out->capacity * 2;
        if (capacity < out->size + count) capacity = out->size + count;
        uint8_t *larger = realloc(out->data, capacity);
        if (!larger) png_error(png, "out of memory");
        out->data = larger;
        out->capacity = capacity;
    }
    memcpy(out->data + out->size, bytes, count);
    out->size += count;
}

static void flush(png_structp png) { (void)png; }

uint8_t *cimage_png_encode(size_t *size, char message[CIMAGE_MESSAGE], const uint8_t *pixels,
                           uint32_t width, uint32_t height, int channels,
                           const cimage_png_text_chunk *texts, int text_count) {
    *size = 0;
    message[0] = 0;
    sink *out = calloc(1, sizeof *out); // on the heap: its fields change between setjmp and longjmp
    png_textp chunks = calloc((size_t)(text_count > 0 ? text_count : 1), sizeof *chunks);
    png_structp png = NULL;
    png_infop info = NULL;
    if (out && chunks) {
        out->capacity = 1 << 16;
        out->data = malloc(out->capacity);
        png = png_create_write_struct(PNG_LIBPNG_VER_STRING, out, on_error, on_warning);
    }
    if (png) info = png_create_info_struct(png);
    if (!info || !out->data) {
        strcpy(message, "out of memory");
        if (png) png_destroy_write_struct(&png, &info);
        if (out) free(out->data);
        free(out);
        free(chunks);
        return NULL;
    }
    if (setjmp(png_jmpbuf(png))) {
        memcpy(message, out->message, CIMAGE_MESSAGE);
        png_destroy_write_struct(&png, &info);
        free(out->data);
        free(out);
        free(chunks);
        return NULL;
    }
    png_set_write_fn(png, out, append, flush);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_IHDR(png, info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (int i = 0; i < text_count; i++) {
        chunks[i].compression = texts[i].is_utf8 ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE;
        chunks[i].key = (char *)texts[i].keyword;
        chunks[i].text = (char *)texts[i].text;
        chunks[i].lang = "";
        chunks[i].lang_key = "";
    }
    if (text_count > 0) png_set_text(png, info, chunks, text_count);
    png_write_info(png, info);
    const size_t stride = (size_t)width * (size_t)channels;
    for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + y * stride);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    uint8_t *data = out->data;
    *size = out->size;
    free(out);
    free(chunks);
    return data;
}
