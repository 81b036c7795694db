// PNG files in memory through libpng's full interface, and the inner loops of the resampler.
// Nothing here prints, exits or lets a longjmp out.
#ifndef CIMAGEIO_H
#define CIMAGEIO_H

#include <stddef.h>
#include <stdint.h>

enum { CIMAGE_MESSAGE = 160 };

// ---------------------------------------------------------------------------------------- reading

typedef struct cimage_png_reader cimage_png_reader;

typedef struct {
    uint32_t width, height;
    int bit_depth;    // 1, 2, 4, 8, 16
    int color_type;   // 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGB + alpha
    size_t row_bytes; // of the rows cimage_png_read_rows gives
} cimage_png_header;

typedef struct {
    int palette_count;           // entries of the palette
    uint8_t palette[256][3];
    int alpha_count;             // entries of the palette that have an alpha
    uint8_t palette_alpha[256];
    int has_transparent;         // one transparent colour, in the file's own bit depth
    uint16_t transparent[3];     // grey: all three alike
} cimage_png_colors;

// Opens a PNG file of `size` bytes, which must outlive the reader, and reads up to its pixels.
// NULL on failure, with libpng's reason in `message`.
cimage_png_reader *cimage_png_open(cimage_png_header *header, char message[CIMAGE_MESSAGE],
                                   const uint8_t *data, size_t size);

// All rows, top to bottom, packed. Samples below 8 bits are unpacked to one byte each (grey ones also scaled
// to 0…255), 16-bit samples come as two bytes, high one first. Values are never changed by gAMA, sRGB or iCCP.
// 0 on failure.
int cimage_png_read_rows(uint8_t *rows, char message[CIMAGE_MESSAGE], cimage_png_reader *reader);

// Reads what follows the pixels, which have been read. 0 on failure.
int cimage_png_finish(char message[CIMAGE_MESSAGE], cimage_png_reader *reader);

void cimage_png_get_colors(cimage_png_colors *colors, const cimage_png_reader *reader);

// The eXIf chunk (a TIFF file), or NULL.
const uint8_t *cimage_png_exif(size_t *size, const cimage_png_reader *reader);

// The value of the first text chunk of that keyword, or NULL.
const char *cimage_png_text(size_t *size, const char *keyword, const cimage_png_reader *reader);

void cimage_png_close(cimage_png_reader *reader);

// ---------------------------------------------------------------------------------------- writing

typedef struct {
    const char *keyword; // 1…79 bytes, Latin-1
    const char *text;    // Latin-1, or UTF-8 where `is_utf8`
    int is_utf8;
} cimage_png_text_chunk;

// Encodes `channels` (1 or 3) bytes per pixel, rows packed. NULL on failure; otherwise free() it.
uint8_t *cimage_png_encode(size_t *size, char message[CIMAGE_MESSAGE], const uint8_t *pixels,
                           uint32_t width, uint32_t height, int channels,
                           const cimage_png_text_chunk *texts, int text_count);

// ------------------------------------------------------------------------------------- resampling
// Fixed-point weights with 22 fraction bits; an output is clip((2²¹ + Σ weight·byte) >> 22).
// For output i: `bounds[2i]` is its first input, `bounds[2i+1]` the number of its inputs, and
// `weights[i·taps …]` their weights.

// One row of `width` outputs from interleaved pixels of `channels` bytes (1, 3 or 4; 3 may be slower).
void cimage_resample_row(uint8_t *out, const uint8_t *in, int width, int channels,
                         const int32_t *bounds, const int32_t *weights, int taps);

// One output row of `bytes` bytes from `count` input rows, `stride` bytes apart.
void cimage_resample_column(uint8_t *out, const uint8_t *in, size_t bytes, size_t stride,
                            const int32_t *weights, int count);

#endif
