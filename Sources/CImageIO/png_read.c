#include "CImageIO.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TEXTS = 50 };

struct cimage_png_reader {
    png_structp png;
    png_infop info;
    const uint8_t *data;
    size_t size, position;
    char message[CIMAGE_MESSAGE];
};

static void on_error(png_structp png, png_const_charp text) {
    cimage_png_reader *reader = png_get_error_ptr(png);
    strncpy(reader->message, text, CIMAGE_MESSAGE - 1);
    longjmp(png_jmpbuf(png), 1);
}

// What was left out could have been the orientation.
static void on_warning(png_structp png, png_const_charp text) {
    if (strstr(text, "no space in chunk cache")) png_error(png, "it has too many texts");
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
    cimage_png_reader *reader = png_get_io_ptr(png);
    if (count > reader->size - reader->position) png_error(png, "the file ends too early");
    memcpy(out, reader->data + reader->position, count);
    reader->position += count;
}

cimage_png_reader *cimage_png_open(cimage_png_header *header, char message[CIMAGE_MESSAGE],
                                   const uint8_t *data, size_t size) {
    cimage_png_reader *reader = calloc(1, sizeof *reader);
    memset(header, 0, sizeof *header);
    message[0] = 0;
    if (!reader) {
        strcpy(message, "out of memory");
        return NULL;
    }
    reader->data = data;
    reader->size = size;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    if (reader->png) reader->info = png_create_info_struct(reader->png);
    if (!reader->info) {
        strcpy(message, "out of memory");
        cimage_png_close(reader);
        return NULL;
    }
    if (setjmp(png_jmpbuf(reader->png))) {
        memcpy(message, reader->message, CIMAGE_MESSAGE);
        cimage_png_close(reader);
        return NULL;
    }
    png_structp png = reader->png;
    png_set_read_fn(png, reader, read_bytes);
    // A damaged orientation must not be lost silently, so auxiliary chunks are held to their checksums too.
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); // the caller limits the number of pixels
    // A text of 8 KB can become one of 8 MB (libpng's own limit for each), and a file can have a thousand.
    png_set_chunk_cache_max(png, MOST_TEXTS + 2);
    // Nothing here goes by these, so nothing need be unpacked either.
    static const png_byte unused[] = "iCCP\0sPLT\0pCAL\0hIST";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, unused, 4);
    // Kept as it is: libpng drops one that begins with `Exif\0\0`, which Pillow reads.
    static const png_byte exif[] = "eXIf";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, exif, 1);
    png_read_info(png, reader->info);
    header->width = png_get_image_width(png, reader->info);
    header->height = png_get_image_height(png, reader->info);
    header->bit_depth = png_get_bit_depth(png, reader->info);
    header->color_type = png_get_color_type(png, reader->info);
    if (header->bit_depth < 8) {
        if (header->color_type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(png);
        else png_set_packing(png);
    }
    header->row_bytes = (size_t)header->width * png_get_channels(png, reader->info)
        * (header->bit_depth == 16 ? 2 : 1);
    return reader;
}

int cimage_png_read_rows(uint8_t *rows, char message[CIMAGE_MESSAGE], cimage_png_reader *reader) {
    png_structp png = reader->png;
    message[0] = 0;
    if (setjmp(png_jmpbuf(png))) {
        memcpy(message, reader->message, CIMAGE_MESSAGE);
        return 0;
    }
    const int passes = png_set_interlace_handling(png);
    const size_t stride = (size_t)png_get_image_width(png, reader->info) * png_get_channels(png, reader->info)
        * (png_get_bit_depth(png, reader->info) == 16 ? 2 : 1);
    const png_uint_32 height = png_get_image_height(png, reader->info);
    png_start_read_image(png);
    for (int pass = 0; pass < passes; pass++)
        for (png_uint_32 y = 0; y < height; y++) png_read_row(png, rows + y * stride, NULL);
    return 1;
}

int cimage_png_finish(char message[CIMAGE_MESSAGE], cimage_png_reader *reader) {
    message[0] = 0;
    if (setjmp(png_jmpbuf(reader->png))) {
        memcpy(message, reader->message, CIMAGE_MESSAGE);
        return 0;
    }
    png_read_end(reader->png, reader->info);
    return 1;
}

void cimage_png_get_colors(cimage_png_colors *colors, const cimage_png_reader *reader) {
    png_colorp palette = NULL;
    png_bytep alpha = NULL;
    png_color_16p transparent = NULL;
    int count = 0;
    memset(colors, 0, sizeof *colors);
    if (png_get_PLTE(reader->png, reader->info, &palette, &count)) {
        colors->palette_count = count > 256 ? 256 : count;
        for (int i = 0; i < colors->palette_count; i++) {
            colors->palette[i][0] = palette[i].red;
            colors->palette[i][1] = palette[i].green;
            colors->palette[i][2] = palette[i].blue;
        }
    }
    if (!png_get_tRNS(reader->png, reader->info, &alpha, &count, &transparent)) return;
    const int type = png_get_color_type(reader->png, reader->info);
    if (type == PNG_COLOR_TYPE_PALETTE && alpha) {
        colors->alpha_count = count > 256 ? 256 : count;
        memcpy(colors->palette_alpha, alpha, (size_t)colors->alpha_count);
    } else if (type == PNG_COLOR_TYPE_GRAY && transparent) {
        colors->has_transparent = 1;
        for (int i = 0; i < 3; i++) colors->transparent[i] = transparent->gray;
    } else if (type == PNG_COLOR_TYPE_RGB && transparent) {
        colors->has_transparent = 1;
        colors->transparent[0] = transparent->red;
        colors->transparent[1] = transparent->green;
        colors->transparent[2] = transparent->blue;
    }
}

const uint8_t *cimage_png_exif(size_t *size, const cimage_png_reader *reader) {
    png_unknown_chunkp chunks = NULL;
    const uint8_t *exif = NULL;
    *size = 0;
    // Of several the last one counts, as for Pillow.
    for (int i = 0, count = png_get_unknown_chunks(reader->png, reader->info, &chunks); i < count; i++)
        if (memcmp(chunks[i].name, "eXIf", 4) == 0) exif = chunks[i].data, *size = chunks[i].size;
    return exif;
}

const char *cimage_png_text(size_t *size, const char *keyword, const cimage_png_reader *reader) {
    png_textp texts = NULL;
    int count = 0;
    *size = 0;
    png_get_text(reader->png, reader->info, &texts, &count);
    for (int i = 0; i < count; i++) {
        if (strcmp(texts[i].key, keyword) != 0 || !texts[i].text) continue;
        *size = strlen(texts[i].text);
        return texts[i].text;
    }
    return NULL;
}

void cimage_png_close(cimage_png_reader *reader) {
    if (!reader) return;
    if (reader->png) png_destroy_read_struct(&reader->png, &reader->info, NULL);
    free(reader);
}
