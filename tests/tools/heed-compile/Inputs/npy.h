// npy.h - just enough of NumPy's file format for little-endian arrays
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef NPY_H
#define NPY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct NpyArray {
  int64_t shape[8], count, bytes;
  int rank;
  void *data;
} NpyArray;

/// Exits with a message where a file cannot be read.
static NpyArray npyRead(const char *path) {
  FILE *file = fopen(path, "rb");
  unsigned char start[10];
  if (!file || fread(start, 1, 10, file) != 10 ||
      memcmp(start, "\x93NUMPY\x01", 7) != 0) {
    fprintf(stderr, "%s: not an array\n", path);
    exit(2);
  }
  size_t length = start[8] + 256u * start[9];
  char *header = (char *)calloc(length + 1, 1);
  if (!header || fread(header, 1, length, file) != length)
    exit(2);
  NpyArray array;
  memset(&array, 0, sizeof array);
  array.count = 1;
  // {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 48, 192), }
  const char *type = strstr(header, "'descr': '") + 10;
  for (const char *s = strchr(strstr(header, "'shape'"), '(') + 1; *s != ')';) {
    char *end;
    int64_t size = strtoll(s, &end, 10);
    if (end == s || array.rank == 8)
      break;
    array.shape[array.rank++] = size;
    array.count *= size;
    s = end + strspn(end, ", ");
  }
  array.bytes = array.count * atoi(type + 2);
  array.data = malloc((size_t)array.bytes + 1);
  if (!array.data ||
      fread(array.data, 1, (size_t)array.bytes, file) != (size_t)array.bytes)
    exit(2);
  free(header);
  fclose(file);
  return array;
}

#endif // NPY_H
