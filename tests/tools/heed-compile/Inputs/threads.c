// threads.c - two models in one program, each called by two threads at once
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: threads se.npy mha.npy     each call must give the same bits
#include "mha.h"
#include "npy.h"
#include "se.h"

#include <pthread.h>

typedef int32_t (*Run)(HeedContext *, const HeedInput *, HeedOutput *);

typedef struct Job {
  HeedProgram *program;
  Run run;
  const NpyArray *in;
  int differences;
} Job;

static void *work(void *argument) {
  Job *job = (Job *)argument;
  HeedContext *context = heed_model_context(job->program, 2);
  HeedInput input = {job->in->data, job->in->bytes, job->in->shape};
  void *first = NULL;
  job->differences = context ? 0 : 1;
  for (int i = 0; context && i < 200; ++i) {
    HeedOutput output = {0};
    if (job->run(context, &input, &output)) {
      puts(heed_context_error(context));
      ++job->differences;
      break;
    }
    if (!first) {
      first = malloc((size_t)output.bytes);
      memcpy(first, output.data, (size_t)output.bytes);
    }
    job->differences += memcmp(first, output.data, (size_t)output.bytes) != 0;
  }
  free(first);
  if (context)
    heed_context_destroy(context);
  return NULL;
}

int main(int argc, char **argv) {
  HeedProgram *se = NULL, *mha = NULL;
  if (argc != 3 || heed_model_load(se_model(), NULL, &se) ||
      heed_model_load(mha_model(), NULL, &mha))
    return 2;
  NpyArray x = npyRead(argv[1]), y = npyRead(argv[2]);

  // A context belongs to its model.
  HeedContext *other = heed_model_context(se, 1);
  HeedInput input = {y.data, y.bytes, y.shape};
  HeedOutput output = {0};
  printf("status %d: ", mha_run(other, &input, &output));
  puts(heed_context_error(other));
  heed_context_destroy(other);

  Job jobs[4] = {{se, se_run, &x, 0},
                 {mha, mha_run, &y, 0},
                 {se, se_run, &x, 0},
                 {mha, mha_run, &y, 0}};
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i)
    if (pthread_create(&threads[i], NULL, work, &jobs[i]))
      return 2;
  int differences = 0;
  for (int i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
    differences += jobs[i].differences;
  }
  printf("%d differences\n", differences);
  heed_program_destroy(se);
  heed_program_destroy(mha);
  free(x.data);
  free(y.data);
  return differences != 0;
}
