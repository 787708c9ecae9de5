// workspace.c - a compiled model whose scratch memory is the caller's
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   cc -DMODEL=se -include se.h workspace.c se.o -lheed_runtime
//   ./a.out x.npy... [= the same for more sizes]
//
// For each set of inputs: asks for the size, gives exactly that, and expects the
// bits that a context with memory of its own gives; then gives too little.
#include "names.h"
#include "npy.h"

enum { kLine = HEED_WORKSPACE_ALIGNMENT };

static int report(const char *what, int status, HeedContext *context) {
  printf("%s: status %d (%s): %s\n", what, status, heed_status_message(status),
         heed_context_error(context));
  return status;
}

/// 0, or what differs between the outputs of the two contexts.
static int run(HeedContext *context, HeedContext *other,
               const HeedInput *inputs) {
  HeedOutput got[MODEL_outputs + 1], want[MODEL_outputs + 1];
  memset(got, 0, sizeof got);
  memset(want, 0, sizeof want);
  if (MODEL_run(other, inputs, want))
    return report("own memory", 1, other);
  int status = MODEL_run(context, inputs, got);
  if (status)
    return report("run", status, context);
  int differences = 0;
  for (int i = 0; i < MODEL_outputs; ++i)
    differences += got[i].bytes != want[i].bytes ||
                   memcmp(got[i].data, want[i].data, (size_t)got[i].bytes);
  return differences;
}

int main(int argc, char **argv) {
  HeedProgram *program;
  if (heed_model_load(MODEL_model(), NULL, &program))
    return 2;
  HeedContext *context = heed_model_context(program, 2);
  HeedContext *other = heed_model_context(program, 2);
  if (!context || !other)
    return 2;
  for (int next = 1; next < argc; ++next) {
    NpyArray in[MODEL_inputs + 1];
    HeedInput inputs[MODEL_inputs + 1];
    const int64_t *shapes[MODEL_inputs + 1];
    for (int i = 0; next < argc && strcmp(argv[next], "="); ++next, ++i) {
      in[i] = npyRead(argv[next]);
      inputs[i].data = in[i].data;
      inputs[i].bytes = in[i].bytes;
      shapes[i] = inputs[i].shape = in[i].shape;
    }
    int64_t bytes = -1;
    if (heed_model_workspace(context, shapes, &bytes)) {
      report("query", 1, context);
      return 1;
    }
    printf("%lld bytes\n", (long long)bytes);
    if (bytes % kLine)
      return 1;

    // A line behind it that nobody may touch.
    char *memory = (char *)aligned_alloc(kLine, (size_t)bytes + kLine);
    if (!memory)
      return 2;
    memset(memory, 0xa5, (size_t)bytes + kLine);
    if (heed_context_set_workspace(context, memory, bytes))
      return 1;
    printf("exactly that: %d differences\n", run(context, other, inputs));
    for (int i = 0; i < kLine; ++i)
      if (memory[bytes + i] != (char)0xa5)
        return 1;
    printf("%lld bytes of its own\n",
           (long long)heed_context_scratch_bytes(context));

    if (heed_context_set_workspace(context, memory, bytes - kLine) ||
        run(context, other, inputs) != HEED_SMALL_WORKSPACE)
      return 1;
    report("misaligned",
           heed_context_set_workspace(context, memory + kLine / 2, bytes),
           context);
    report("negative", heed_context_set_workspace(context, memory, -1),
           context);
    // What was refused changed nothing.
    if (run(context, other, inputs) != HEED_SMALL_WORKSPACE)
      return 1;
    if (heed_context_set_workspace(context, NULL, 0))
      return 1;
    printf("its own: %d differences\n", run(context, other, inputs));
    free(memory);
    for (int i = 0; i < MODEL_inputs; ++i)
      free(in[i].data);
  }
  heed_context_destroy(context);
  heed_context_destroy(other);
  heed_program_destroy(program);
  return 0;
}
