// The shapes of ggml's objects that backend.c reads and fills: interfaces of ggml 0.25 (llama.cpp v0.5.0, backend API version 2), declared
// here in our own words so that nothing of ggml is needed to compile. Fields that are never touched keep their place as plain pointers.
// Whoever loads the library checks tk_ggml_tensor's size against ggml_tensor_overhead() first.
#ifndef TAKEOFF_GGML_ABI_H
#define TAKEOFF_GGML_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GGML_API_VERSION = 2, GGML_DEVICE_ACCEL = 3, GGML_BUFFER_WEIGHTS = 1, GGML_TYPE_IS_F32 = 0, GGML_TYPE_IS_F16 = 1 };
enum { GGML_OP_IS_NONE = 0, GGML_OP_IS_MUL_MAT = 29, GGML_OP_IS_ATTENTION = 74, GGML_OP_IS_CUSTOM = 95 };
enum { GGML_OBJECT_BYTES = 32, GGML_SOURCES = 10, GGML_PARAMS = 16 };

typedef void (*ggml_unused)(void);
typedef struct tk_ggml_tensor tk_ggml_tensor;
typedef struct tk_ggml_buffer tk_ggml_buffer;
typedef struct tk_ggml_buffer_type tk_ggml_buffer_type;
typedef struct tk_ggml_backend tk_ggml_backend;
typedef struct tk_ggml_device tk_ggml_device;
typedef struct tk_ggml_registry tk_ggml_registry;

struct tk_ggml_tensor {
  int type;
  tk_ggml_buffer *buffer;
  int64_t ne[4]; // elements, fastest dimension first
  size_t nb[4];  // distances in bytes
  int op;
  int32_t op_params[GGML_PARAMS];
  int32_t flags;
  tk_ggml_tensor *src[GGML_SOURCES];
  tk_ggml_tensor *view_src;
  size_t view_offset;
  void *data;
  char name[64];
  void *extra;
  char padding[8];
};

// What a tensor of op custom has in its op_params.
typedef struct {
  void (*run)(tk_ggml_tensor *tensor, int thread, int threads, void *user_data);
  int tasks; // -1: as many as there are threads
  void *user_data;
} tk_ggml_custom;

// The first fields; those behind them are not used.
typedef struct {
  int size, n_nodes, n_leafs;
  tk_ggml_tensor **nodes;
} tk_ggml_graph;

struct tk_ggml_buffer_type {
  const char *(*get_name)(tk_ggml_buffer_type *type);
  tk_ggml_buffer *(*alloc_buffer)(tk_ggml_buffer_type *type, size_t bytes);
  size_t (*get_alignment)(tk_ggml_buffer_type *type);
  size_t (*get_max_size)(tk_ggml_buffer_type *type);
  size_t (*get_alloc_size)(tk_ggml_buffer_type *type, const tk_ggml_tensor *tensor);
  bool (*is_host)(tk_ggml_buffer_type *type);
  tk_ggml_device *device;
  void *context;
};

struct tk_ggml_buffer {
  ggml_unused free_buffer;
  void *(*get_base)(tk_ggml_buffer *buffer);
  ggml_unused init_tensor, memset_tensor;
  void (*set_tensor)(tk_ggml_buffer *buffer, tk_ggml_tensor *tensor, const void *data, size_t offset, size_t bytes);
  void (*get_tensor)(tk_ggml_buffer *buffer, const tk_ggml_tensor *tensor, void *data, size_t offset, size_t bytes);
  ggml_unused set_tensor_2d, get_tensor_2d, cpy_tensor, clear, reset;
  tk_ggml_buffer_type *type;
  void *context;
  size_t size;
  int usage;
};

struct tk_ggml_backend {
  const void *guid; // 16 bytes
  const char *(*get_name)(tk_ggml_backend *backend);
  void (*free)(tk_ggml_backend *backend);
  ggml_unused set_tensor_async, get_tensor_async, set_tensor_2d_async, get_tensor_2d_async, cpy_tensor_async;
  ggml_unused synchronize, graph_plan_create, graph_plan_free, graph_plan_update, graph_plan_compute;
  int (*graph_compute)(tk_ggml_backend *backend, tk_ggml_graph *graph); // 0: success
  ggml_unused event_record, event_wait, graph_optimize;
  tk_ggml_device *device;
  void *context;
};

typedef struct {
  const char *name, *description;
  size_t memory_free, memory_total;
  int type;
  const char *device_id;
  bool async, host_buffer, buffer_from_host_ptr, events, mmap_support;
} tk_ggml_properties;

struct tk_ggml_device {
  const char *(*get_name)(tk_ggml_device *device);
  const char *(*get_description)(tk_ggml_device *device);
  void (*get_memory)(tk_ggml_device *device, size_t *free, size_t *total);
  int (*get_type)(tk_ggml_device *device);
  void (*get_props)(tk_ggml_device *device, tk_ggml_properties *properties);
  tk_ggml_backend *(*init_backend)(tk_ggml_device *device, const char *params);
  tk_ggml_buffer_type *(*get_buffer_type)(tk_ggml_device *device);
  ggml_unused get_host_buffer_type, buffer_from_host_ptr;
  bool (*supports_op)(tk_ggml_device *device, const tk_ggml_tensor *op);
  bool (*supports_buft)(tk_ggml_device *device, tk_ggml_buffer_type *type);
  ggml_unused offload_op, event_new, event_free, event_synchronize;
  tk_ggml_registry *registry;
  void *context;
};

struct tk_ggml_registry {
  int api_version;
  const char *(*get_name)(tk_ggml_registry *registry);
  size_t (*get_device_count)(tk_ggml_registry *registry);
  tk_ggml_device *(*get_device)(tk_ggml_registry *registry, size_t index);
  void *(*get_proc_address)(tk_ggml_registry *registry, const char *name);
  void *context;
};

#endif
