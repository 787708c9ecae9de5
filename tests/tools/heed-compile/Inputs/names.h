// names.h - the names of a compiled model of any name: cc -DMODEL=se.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef NAMES_H
#define NAMES_H

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define MODEL_model PASTE(MODEL, _model)
#define MODEL_run PASTE(MODEL, _run)
#define MODEL_inputs PASTE(MODEL, _num_inputs)
#define MODEL_outputs PASTE(MODEL, _num_outputs)

#endif
