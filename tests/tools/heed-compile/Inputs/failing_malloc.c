// failing_malloc.c - a compiled model where each allocation in turn fails
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   cc -DMODEL=se -include se.h failing_malloc.c se.o -lheed_runtime
//   ./a.out x.npy...
//
// Loads, runs twice and destroys, again and again; the k-th time the k-th
// allocation fails, until nothing fails any more. A failure is a status with a
// message, a success has the same bits as without failures, and nothing stays
// allocated.
#include "names.h"
#include "npy.h"

#include <errno.h>

// glibc's own, behind the functions below, which all libraries then use.
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t),
    *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static long left = -1; // allocations until one fails; negative: none does
static long live;

static void *made(void *memory) {
  live += memory != NULL;
  return memory;
}
static int fails(void) {
  if (left < 0 || left-- > 0)
    return 0;
  errno = ENOMEM;
  return 1;
}
void *malloc(size_t bytes) {
  return fails() ? NULL : made(__libc_malloc(bytes));
}
void *calloc(size_t n, size_t bytes) {
  return fails() ? NULL : made(__libc_calloc(n, bytes));
}
void *realloc(void *old, size_t bytes) {
  if (fails())
    return NULL;
  void *memory = __libc_realloc(old, bytes);
  live += !old && memory;
  return memory;
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  return fails() ? NULL : made(__libc_memalign(alignment, bytes));
}
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  if (fails())
    return ENOMEM;
  *memory = made(__libc_memalign(alignment, bytes));
  return *memory ? 0 : ENOMEM;
}
void free(void *memory) {
  live -= memory != NULL;
  __libc_free(memory);
}

static HeedInput inputs[MODEL_inputs + 1];
static void *wanted;
static int64_t wantedBytes;
static int wrong;

/// One life of a program; what it came to.
static int session(void) {
  HeedProgram *program;
  HeedContext *context = NULL;
  int status = heed_model_load(MODEL_model(), NULL, &program);
  if (status) {
    wrong += !*heed_program_error(program);
  } else if (!(context = heed_model_context(program, 1))) {
    status = HEED_NO_MEMORY;
  }
  // After a failure the context goes on.
  for (int run = 0; context && run < 2; ++run) {
    HeedOutput outputs[8] = {{0}};
    int result = MODEL_run(context, inputs, outputs);
    if (result) {
      status = result;
      wrong += !*heed_context_error(context);
    } else if (wanted) {
      wrong += outputs[0].bytes != wantedBytes ||
               memcmp(outputs[0].data, wanted, (size_t)wantedBytes) != 0;
    } else {
      wantedBytes = outputs[0].bytes;
      wanted = malloc((size_t)wantedBytes + 1);
      memcpy(wanted, outputs[0].data, (size_t)wantedBytes);
    }
  }
  heed_context_destroy(context);
  heed_program_destroy(program);
  return status;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    NpyArray in = npyRead(argv[i]);
    int64_t *shape = (int64_t *)malloc(sizeof in.shape);
    memcpy(shape, in.shape, sizeof in.shape);
    inputs[i - 1].data = in.data;
    inputs[i - 1].bytes = in.bytes;
    inputs[i - 1].shape = shape;
  }
  if (session() || session()) // what is made once a process is made now
    return 2;
  long failures = 0, tries = 0, leaks = 0;
  for (int status = 0;; ++tries) {
    long before = live;
    left = tries;
    status = session();
    int failed = left < 0;
    left = -1;
    leaks += live != before;
    failures += status != 0;
    if (!failed) {
      wrong += status != 0;
      break;
    }
  }
  printf("%s: %ld allocations failed, %ld lives with a status, %d wrong, %ld "
         "leaks\n",
         MODEL_model()->name, tries, failures, wrong, leaks);
  return wrong || failures == 0 || leaks;
}
