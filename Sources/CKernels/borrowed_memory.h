// Memory that a call borrows where its caller gives none. Internal to this target.
#ifndef CKERNELS_BORROWED_MEMORY_H
#define CKERNELS_BORROWED_MEMORY_H

#include <stddef.h>

struct ck_block { void *bytes; size_t size; };

/// At least `size` bytes on a page boundary, of any content; `bytes` is NULL if there is no memory, or `size` is 0.
/// Blocks are kept for the next call, so that pages stay mapped. Any thread may call.
struct ck_block ck_borrow(size_t size);
void ck_give_back(struct ck_block block);

#endif
