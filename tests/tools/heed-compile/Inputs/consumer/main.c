// main.c - asks two models for their shapes and loads them
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mha.h"
#include "se_block.h"

#include <stdio.h>

static int load(const HeedModel *model, const char *weights) {
  HeedProgram *program;
  int status = heed_model_load(model, weights, &program);
  printf("%s: %d inputs, rank %d, for %s: %s\n", model->name,
         (int)model->numInputs, (int)model->inputs[0].rank, model->cpu,
         status ? heed_program_error(program) : "ready");
  heed_program_destroy(program);
  return status;
}

int main(int argc, char **argv) {
  return load(se_block_model(), NULL) +
         load(mha_model(), argc > 1 ? argv[1] : NULL);
}
