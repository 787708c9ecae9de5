// classify.c - a C program that uses a compiled model: is a line of text
// upside down?
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   heed-compile ppocrv4_cls.onnx -o cls.o --header cls.h --name cls
//   cc classify.c cls.o -lheed_runtime -o classify
//   ./classify picture.npy [expected.npy]
#include "cls.h"
#include "npy.h"

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: classify picture.npy [expected.npy]\n");
    return 2;
  }
  NpyArray picture = npyRead(argv[1]); // float32[n,3,h,w]

  // Once a process.
  HeedProgram *program;
  if (heed_model_load(cls_model(), NULL, &program)) {
    fprintf(stderr, "%s\n", heed_program_error(program));
    return 1;
  }
  // Once a thread.
  HeedContext *context = heed_model_context(program, 1);
  if (!context)
    return 1;

  // Once a picture.
  HeedInput inputs[cls_num_inputs] = {
      {picture.data, picture.bytes, picture.shape}};
  HeedOutput outputs[cls_num_outputs] = {{0}};
  if (cls_run(context, inputs, outputs)) {
    fprintf(stderr, "%s\n", heed_context_error(context));
    return 1;
  }
  const float *p = (const float *)outputs[0].data; // float32[n,2]
  puts(p[0] >= p[1] ? "the text stands upright" : "the text is upside down");

  int wrong = 0;
  if (argc > 2) {
    NpyArray expected = npyRead(argv[2]);
    if (expected.bytes != outputs[0].bytes)
      return 1;
    for (int64_t i = 0; i < expected.count; ++i) {
      float error = p[i] - ((const float *)expected.data)[i];
      wrong += !(error < 1e-4f && error > -1e-4f);
    }
    free(expected.data);
  }
  heed_context_destroy(context);
  heed_program_destroy(program);
  free(picture.data);
  return wrong != 0;
}
