// Header.cpp - the C header of a compiled model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/lib/aot/Header.h"

#include "runtime/support/Model.h"
#include "tools/lib/aot/Names.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace heed {

/// runtime/support/Model.h.
static constexpr char kInterface[] =
#include "tools/lib/aot/Interface.inc"
    ;

static void writePorts(raw_ostream &os, StringRef title, ArrayRef<Port> ports) {
  os << "//\n// " << title << "\n";
  for (auto [index, port] : enumerate(ports))
    os << "//   " << index << "  " << commentText(port.str()) << "\n";
}

void writeHeader(raw_ostream &os, const Lowered &lowered,
                 const HeaderOptions &options) {
  StringRef name = options.name;
  std::string guard = "HEED_MODEL_" + name.upper() + "_H";
  os << "// " << commentText(options.file)
     << " - made by heed-compile, do not edit\n//\n// The model "
     << commentText(options.source) << ", compiled for the CPU "
     << commentText(options.cpu) << ".\n";
  writePorts(os, "inputs (?: any size)", lowered.signature.inputs);
  writePorts(os, "outputs", lowered.signature.outputs);
  os << "//\n";
  for (auto [output, input] : lowered.inPlace)
    os << formatv("// Output {0} may be given the memory of input {1}, to be "
                  "updated in place.\n",
                  output, input);
  if (lowered.workspace)
    os << "// Workspace of a context: " << *lowered.workspace
       << " bytes, and what oneDNN asks for.\n";
  else
    os << "// The workspace depends on the inputs' sizes: a context allocates "
          "it at the first\n// call with new sizes and keeps the largest.\n";
  os << "// It may be the caller's: see heed_model_workspace.\n";
  os << (options.weightsInFile
             ? "// The weights are in a file of their own, whose path "
               "heed_model_load wants.\n"
             : "// The object holds the weights.\n");
  os << "#ifndef " << guard << "\n#define " << guard << "\n\n"
     << kInterface << "\n";
  os << "#if HEED_MODEL_VERSION != " << HEED_MODEL_VERSION << "\n#error \""
     << name
     << ": made for another version of Heed than a header before it\"\n#endif"
        "\n\n";
  os << formatv("enum {{ {0}_num_inputs = {1}, {0}_num_outputs = {2} };\n\n",
                name, lowered.signature.inputs.size(),
                lowered.signature.outputs.size());
  os << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  os << formatv("/// What the model is: names, types and shapes, workspace.\n"
                "HEED_EXPORT const HeedModel *{0}_model(void) "
                "HEED_NOEXCEPT;\n\n"
                "/// One call, in a context that heed_model_context made of "
                "{0}_model():\n/// `inputs` and `outputs` are {1} and {2} "
                "arrays. HEED_OK, or see\n/// heed_context_error.\n"
                "HEED_EXPORT int32_t {0}_run(HeedContext *context, const "
                "HeedInput *inputs,\n    HeedOutput *outputs) "
                "HEED_NOEXCEPT;\n\n",
                name, lowered.signature.inputs.size(),
                lowered.signature.outputs.size());
  os << "#ifdef __cplusplus\n} // extern \"C\"\n#endif\n\n#endif // " << guard
     << "\n";
}

} // namespace heed
