// Model.h - models that heed-compile made, as C programs use them
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header of each model holds this text, so that it is complete by itself;
// what the functions do is in libheed_runtime. A model NAME has two functions,
// NAME_model (what it is) and NAME_run (one call of it):
//
//   HeedProgram *program;                        one for all threads
//   if (heed_model_load(NAME_model(), NULL, &program))
//     puts(heed_program_error(program));
//   HeedContext *context = heed_model_context(program, 1);  one for each thread
//
//   HeedInput inputs[] = {{x, sizeof x, shape}};
//   HeedOutput outputs[] = {{0}};                zeros: memory of the context
//   if (NAME_run(context, inputs, outputs))
//     puts(heed_context_error(context));
//   else
//     use(outputs[0].data, outputs[0].shape);
//
//   heed_context_destroy(context);
//   heed_program_destroy(program);
//
// There is no global state: any number of contexts of any number of programs
// run at the same time, each in one thread at a time. Only the first call with
// new sizes allocates.
//
// Scratch memory is the context's, or the caller's:
//
//   const int64_t *shapes[] = {shape};
//   int64_t bytes;
//   if (heed_model_workspace(context, shapes, &bytes) == HEED_OK)
//     heed_context_set_workspace(
//         context, aligned_alloc(HEED_WORKSPACE_ALIGNMENT, bytes), bytes);
#ifndef HEED_RUNTIME_SUPPORT_MODEL_H
#define HEED_RUNTIME_SUPPORT_MODEL_H

#include <stdint.h>

#ifndef HEED_EXPORT
#if defined(__GNUC__)
#define HEED_EXPORT __attribute__((visibility("default")))
#else
#define HEED_EXPORT
#endif
#endif

#ifndef HEED_NOEXCEPT
#ifdef __cplusplus
#define HEED_NOEXCEPT noexcept
#else
#define HEED_NOEXCEPT
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// What a call came to. heed_program_error and heed_context_error say more.
enum {
  HEED_OK = 0,
  HEED_FAILED = 1,       // while running: a check of the model's own, memory
  HEED_BAD_ARGUMENT = 2, // an array does not fit the model's input or output
  HEED_BAD_WEIGHTS = 3,  // missing, truncated, or another model's
  HEED_BAD_CPU = 4,      // compiled for instructions that this CPU lacks
  HEED_BAD_VERSION = 5,  // compiled for another version of the runtime
  HEED_NO_MEMORY = 6,
  HEED_SMALL_WORKSPACE = 7 // a run needs more than the caller's workspace has
};

typedef enum HeedType {
  HEED_BOOL, // one byte, 0 or 1
  HEED_INT8,
  HEED_UINT8,
  HEED_INT16,
  HEED_UINT16,
  HEED_INT32,
  HEED_UINT32,
  HEED_INT64,
  HEED_UINT64,
  HEED_FLOAT16,
  HEED_BFLOAT16,
  HEED_FLOAT32,
  HEED_FLOAT64
} HeedType;

/// An input or an output of a model.
typedef struct HeedPort {
  const char *name; // as the model file has it
  HeedType type;
  int32_t rank;
  const int64_t *shape; // `rank` sizes; -1: any size
  int32_t inPlace; // of an output: the input whose memory it may be given, to
                   // be updated in place; -1: none
} HeedPort;

#define HEED_MODEL_VERSION 2

/// Of a workspace: a cache line, and the widest vector.
#define HEED_WORKSPACE_ALIGNMENT 64

typedef struct HeedModel {
  int32_t version; // HEED_MODEL_VERSION
  int32_t numInputs, numOutputs;
  const char *name;
  const char *cpu; // what it was compiled for
  const HeedPort *inputs, *outputs;
  int64_t workspaceBytes; // scratch memory of one context for compiled code
                          // (heed_model_workspace: and for oneDNN); -1: it
                          // depends on the inputs' sizes
  int64_t weightBytes;
  int32_t weightsInFile; // 1: heed_model_load wants the weights' file
  const struct HeedModelCode *code;
} HeedModel;

/// A model with its weights, ready for this machine. What the threads share.
typedef struct HeedProgram HeedProgram;

/// The state of one caller: workspace, outputs, the last error.
typedef struct HeedContext HeedContext;

/// An array for a model to read: row-major, without gaps.
typedef struct HeedInput {
  const void *data;
  int64_t bytes;
  const int64_t *shape; // may be null where the model's shape has no -1
} HeedInput;

/// An array that a model writes, row-major.
typedef struct HeedOutput {
  void *buffer;         // the caller's memory; null: the context's own
  int64_t bufferBytes;  // of `buffer`; more than needed is no error
  void *data;           // set by a run: `buffer`, or memory of the context,
  int64_t bytes;        // which the next run overwrites
  const int64_t *shape; // set by a run: `rank` sizes, the context's memory
} HeedOutput;

/// Makes a program of a model: checks the CPU, reads the weights. `weightsFile`
/// is null where the object holds them. *program is set whatever the status, so
/// that heed_program_error can be asked, and must be destroyed; it is null only
/// for HEED_NO_MEMORY.
HEED_EXPORT int32_t heed_model_load(const HeedModel *model,
                                    const char *weightsFile,
                                    HeedProgram **program) HEED_NOEXCEPT;
HEED_EXPORT const char *
heed_program_error(const HeedProgram *program) HEED_NOEXCEPT;
/// After all its contexts.
HEED_EXPORT void heed_program_destroy(HeedProgram *program) HEED_NOEXCEPT;

/// A context that runs on `numThreads` threads (0: as many as OpenMP offers).
/// Null where memory is short or the program was not loaded.
HEED_EXPORT HeedContext *heed_model_context(HeedProgram *program,
                                            int64_t numThreads) HEED_NOEXCEPT;
HEED_EXPORT void heed_context_destroy(HeedContext *context) HEED_NOEXCEPT;

/// One call: `inputs` and `outputs` in the model's order. What NAME_run calls.
HEED_EXPORT int32_t heed_model_run(HeedContext *context, const HeedModel *model,
                                   const HeedInput *inputs,
                                   HeedOutput *outputs) HEED_NOEXCEPT;

/// Bytes of scratch memory, a multiple of HEED_WORKSPACE_ALIGNMENT, that a run
/// in this context needs on inputs of these shapes: what compiled code asks for,
/// and what oneDNN does on so many threads. shapes[i] may be null where input i
/// has no -1, and `shapes` where none has. Nothing runs, but oneDNN's primitives
/// are made. HEED_FAILED where sizes depend on the elements of the inputs.
HEED_EXPORT int32_t heed_model_workspace(HeedContext *context,
                                         const int64_t *const *shapes,
                                         int64_t *bytes) HEED_NOEXCEPT;

/// From now on runs of this context use the caller's memory, `bytes` bytes at a
/// multiple of HEED_WORKSPACE_ALIGNMENT, in place of its own, which is freed; a
/// run that needs more fails with HEED_SMALL_WORKSPACE. The memory must outlive
/// the context or its next workspace, and holds nothing between runs, so that
/// contexts that do not run at the same time may share it. Null: memory of the
/// context's own again. HEED_BAD_ARGUMENT changes nothing.
HEED_EXPORT int32_t heed_context_set_workspace(HeedContext *context,
                                               void *memory,
                                               int64_t bytes) HEED_NOEXCEPT;

/// Why the last run, or query of its workspace, failed; "" if it did not.
HEED_EXPORT const char *heed_context_error(HeedContext *context) HEED_NOEXCEPT;

/// What a status means, in general.
HEED_EXPORT const char *heed_status_message(int32_t status) HEED_NOEXCEPT;

/// Bytes of one element; NumPy's name of the type. 0 and "" for no type.
HEED_EXPORT int64_t heed_type_bytes(HeedType type) HEED_NOEXCEPT;
HEED_EXPORT const char *heed_type_name(HeedType type) HEED_NOEXCEPT;

/// Bytes of scratch memory that the context holds now, of its own: the
/// workspace, and what oneDNN asked for.
HEED_EXPORT int64_t heed_context_scratch_bytes(HeedContext *context)
    HEED_NOEXCEPT;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // HEED_RUNTIME_SUPPORT_MODEL_H
