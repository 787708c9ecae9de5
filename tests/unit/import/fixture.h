// fixture.h - builds small ONNX models and imports them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_TESTS_UNIT_IMPORT_FIXTURE_H
#define HEED_TESTS_UNIT_IMPORT_FIXTURE_H

#include "tools/lib/import/Import.h"
#include "tools/lib/import/onnx.pb.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

struct ImportTest : testing::Test {
  heed::onnx::ModelProto model;
  std::filesystem::path file;
  heed::import::ImportOptions options;

  void SetUp() override {
    std::string name =
        (std::filesystem::temp_directory_path() / "heed-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    file = std::filesystem::path(name) / "m.onnx";
    opset(18);
    model.mutable_graph();
  }
  void TearDown() override { std::filesystem::remove_all(file.parent_path()); }

  void opset(int64_t version, std::string domain = "") {
    auto *o = model.add_opset_import();
    o->set_domain(domain);
    o->set_version(version);
  }

  /// A float (or other) input; a dim is a size or a name.
  void input(std::string name, std::vector<std::string> dims, int type = 1) {
    declare(*model.mutable_graph()->add_input(), name, dims, type);
  }
  void output(std::string name) {
    declare(*model.mutable_graph()->add_output(), name, {}, 1);
  }
  void ints(std::string name, std::vector<int64_t> values) {
    auto *t = model.mutable_graph()->add_initializer();
    t->set_name(name);
    t->set_data_type(7);
    t->add_dims(values.size());
    for (int64_t v : values)
      t->add_int64_data(v);
  }
  heed::onnx::NodeProto &node(std::string op, std::vector<std::string> ins,
                              std::vector<std::string> outs,
                              std::string name = "") {
    return fill(*model.mutable_graph()->add_node(), op, ins, outs, name);
  }
  static heed::onnx::NodeProto &fill(heed::onnx::NodeProto &n, std::string op,
                                     std::vector<std::string> ins,
                                     std::vector<std::string> outs,
                                     std::string name = "") {
    n.set_op_type(op);
    n.set_name(name);
    for (auto &i : ins)
      n.add_input(i);
    for (auto &o : outs)
      n.add_output(o);
    return n;
  }
  void floats(std::string name, std::vector<int64_t> dims, float value = 0.5f) {
    auto *t = model.mutable_graph()->add_initializer();
    t->set_name(name);
    t->set_data_type(1);
    int64_t count = 1;
    for (int64_t d : dims) {
      t->add_dims(d);
      count *= d;
    }
    for (int64_t i = 0; i < count; ++i)
      t->add_float_data(value + i);
  }
  static void attr(heed::onnx::NodeProto &n, std::string name,
                   std::vector<int64_t> values) {
    auto *a = n.add_attribute();
    a->set_name(name);
    a->set_type(7);
    for (int64_t v : values)
      a->add_ints(v);
  }
  static void attr(heed::onnx::NodeProto &n, std::string name,
                   std::string value) {
    auto *a = n.add_attribute();
    a->set_name(name);
    a->set_type(3);
    a->set_s(value);
  }
  static void attr(heed::onnx::NodeProto &n, std::string name,
                   std::vector<std::string> values) {
    auto *a = n.add_attribute();
    a->set_name(name);
    a->set_type(8);
    for (auto &v : values)
      a->add_strings(v);
  }
  static void attr(heed::onnx::NodeProto &n, std::string name, int64_t value) {
    auto *a = n.add_attribute();
    a->set_name(name);
    a->set_type(2);
    a->set_i(value);
  }

  /// The module's text, or "error: ..." with the file's name cut off.
  std::string import() {
    std::ofstream(file, std::ios::binary) << model.SerializeAsString();
    return importFile();
  }
  /// How many ops of this name the module has, without printing its constants.
  int countOps(llvm::StringRef name) {
    std::ofstream(file, std::ios::binary) << model.SerializeAsString();
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    std::string error;
    auto module =
        heed::import::importOnnx(file.string(), context, error, options);
    EXPECT_TRUE(module) << error;
    int count = 0;
    if (module)
      module->walk([&](mlir::Operation *op) {
        count += op->getName().getStringRef() == name;
      });
    return count;
  }
  std::string importBytes(const std::string &bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
    return importFile();
  }
  std::string importFile() {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    std::string error;
    auto module =
        heed::import::importOnnx(file.string(), context, error, options);
    if (!module) {
      EXPECT_EQ(error.rfind(file.string() + ": ", 0), 0u) << error;
      return "error: " + error.substr(file.string().size() + 2);
    }
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os);
    return text;
  }

private:
  static void declare(heed::onnx::ValueInfoProto &v, std::string name,
                      std::vector<std::string> dims, int type) {
    v.set_name(name);
    auto *t = v.mutable_type()->mutable_tensor_type();
    t->set_elem_type(type);
    for (auto &d : dims) {
      auto *dim = t->mutable_shape()->add_dim();
      if (!d.empty() && (isdigit(d[0]) || d[0] == '-'))
        dim->set_dim_value(std::stoll(d));
      else
        dim->set_dim_param(d);
    }
    t->mutable_shape();
  }
};

/// How often `part` stands in `text`.
inline int count(const std::string &text, const std::string &part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1))
    ++n;
  return n;
}

inline bool contains(const std::string &text, const std::string &part) {
  return count(text, part) > 0;
}

#endif // HEED_TESTS_UNIT_IMPORT_FIXTURE_H
