// run_model.c - runs a compiled model on .npy files and compares what it gives
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   cc -DMODEL=se -include se.h run_model.c se.o -lheed_runtime
//   ./a.out WEIGHTS x.npy... = y.npy... [= the same for more sizes]
//
// WEIGHTS is "-" where the object holds them.
#include "names.h"
#include "npy.h"

/// The largest |got − want| − 1e-4 |want| is at most 1e-4.
static int differs(const HeedPort *port, const HeedOutput *got,
                   const NpyArray *want) {
  if (got->bytes != want->bytes) {
    printf("%s: expected %lld bytes, got %lld\n", port->name,
           (long long)want->bytes, (long long)got->bytes);
    return 1;
  }
  for (int i = 0; i < port->rank; ++i)
    if (got->shape[i] != want->shape[i]) {
      printf("%s: dimension %d: expected %lld, got %lld\n", port->name, i,
             (long long)want->shape[i], (long long)got->shape[i]);
      return 1;
    }
  if (port->type != HEED_FLOAT32)
    return memcmp(got->data, want->data, (size_t)got->bytes) != 0;
  for (int64_t i = 0; i < want->count; ++i) {
    float a = ((const float *)got->data)[i], b = ((const float *)want->data)[i];
    float error = a < b ? b - a : a - b, size = b < 0 ? -b : b;
    if (!(error <= 1e-4f + 1e-4f * size)) {
      printf("%s[%lld]: expected %g, got %g\n", port->name, (long long)i,
             (double)b, (double)a);
      return 1;
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  HeedProgram *program;
  int status = heed_model_load(MODEL_model(),
                               strcmp(argv[1], "-") ? argv[1] : NULL, &program);
  if (status) {
    printf("status %d (%s): %s\n", status, heed_status_message(status),
           heed_program_error(program));
    heed_program_destroy(program);
    return 1;
  }
  HeedContext *context = heed_model_context(program, 2);
  if (!context)
    return 1;
  int runs = 0, wrong = 0;
  for (int next = 2; next < argc; ++runs) {
    NpyArray in[MODEL_inputs + 1];
    HeedInput inputs[MODEL_inputs + 1];
    HeedOutput outputs[MODEL_outputs + 1];
    memset(outputs, 0, sizeof outputs);
    int i = 0;
    for (; next < argc && strcmp(argv[next], "="); ++next, ++i) {
      in[i] = npyRead(argv[next]);
      inputs[i].data = in[i].data;
      inputs[i].bytes = in[i].bytes;
      inputs[i].shape = in[i].shape;
    }
    status = MODEL_run(context, inputs, outputs);
    if (status) {
      printf("status %d (%s): %s\n", status, heed_status_message(status),
             heed_context_error(context));
      return 1;
    }
    ++next;
    for (i = 0; next < argc && strcmp(argv[next], "="); ++next, ++i) {
      NpyArray want = npyRead(argv[next]);
      wrong += differs(&MODEL_model()->outputs[i], &outputs[i], &want);
      free(want.data);
    }
    ++next;
    for (i = 0; i < MODEL_inputs; ++i)
      free(in[i].data);
  }
  heed_context_destroy(context);
  heed_program_destroy(program);
  printf("%s: %d runs, %d outputs differ\n", MODEL_model()->name, runs, wrong);
  return wrong != 0;
}
