// A device of ggml (type ACCEL) that owns matrices and takes over whole graphs.
//
// llama.cpp offers each weight to accelerators first; this one accepts what only products read, and packs it (weights.c). In a graph
// it says that it supports whatever the CPU device supports, so the scheduler gives it everything in one piece, and no product costs
// a change of backend. It computes a graph by turning the products of its own weights into custom operations in place, letting ggml's CPU backend
// run the graph on the process's threads, and turning them back.
#include "backend.h"

#include "product.h"
#include "weights.h"

#include <stdlib.h>
#include <string.h>

static tk_backend_options options;
static tk_ggml_registry registry;
// What llama.cpp finds, whose buffers hold weights; and what its backends belong to, whose buffers are the CPU's, for activations.
static tk_ggml_device device, compute_device;

typedef void (*set_threads_fn)(tk_ggml_backend *backend, int threads);
typedef void (*set_pool_fn)(tk_ggml_backend *backend, void *pool);
typedef void (*set_abort_fn)(tk_ggml_backend *backend, void *callback, void *data);

static void *cpu_function(const char *name) { return options.cpu->registry->get_proc_address(options.cpu->registry, name); }

// A product in a graph: one tk_product for each matrix of x, and what the node was before.
typedef struct {
  tk_ggml_tensor *node;
  int32_t params[GGML_PARAMS];
  tk_product *products;
  int count;
} job;

typedef struct {
  tk_ggml_backend *cpu;
  int threads;
  job *jobs;
  tk_product *products;
  int job_capacity, product_capacity;
  uint8_t *workspace, *workspace_start; // aligned, and as allocated
  size_t workspace_bytes;
} compute_context;

static void run_job(tk_ggml_tensor *tensor, int thread, int threads, void *user_data) {
  (void)tensor, (void)thread, (void)threads;
  const job *j = user_data;
  for (int i = 0; i < j->count; i++) tk_product_run(&j->products[i]);
}

static bool is_ours(const tk_ggml_tensor *node) { return node->op == GGML_OP_IS_MUL_MAT && tk_is_packed(node->src[0]); }

// Matrices of x whose rows all lie at one distance count as one.
static int matrices(const tk_ggml_tensor *x) {
  const bool is_even = x->nb[2] == x->nb[1] * (size_t)x->ne[1] && x->nb[3] == x->nb[2] * (size_t)x->ne[2];
  return is_even ? 1 : (int)(x->ne[2] * x->ne[3]);
}
static int rows_of(const tk_ggml_tensor *x) { return (int)(x->ne[1] * (matrices(x) == 1 ? x->ne[2] * x->ne[3] : 1)); }

static size_t job_workspace(const tk_ggml_tensor *node) {
  const tk_ggml_tensor *x = node->src[1];
  return tk_workspace_bytes(options.isa, (tk_type)node->src[0]->type, rows_of(x), (int)x->ne[0]) * (size_t)matrices(x);
}

static bool reserve(compute_context *c, const tk_ggml_graph *graph) {
  int jobs = 0, products = 0;
  size_t bytes = 0;
  for (int i = 0; i < graph->n_nodes; i++) {
    const tk_ggml_tensor *node = graph->nodes[i];
    if (!is_ours(node)) continue;
    jobs++;
    products += matrices(node->src[1]);
    bytes = bytes > job_workspace(node) ? bytes : job_workspace(node);
  }
  if (jobs > c->job_capacity) {
    free(c->jobs);
    c->jobs = malloc((size_t)jobs * sizeof *c->jobs);
    c->job_capacity = c->jobs == NULL ? 0 : jobs;
  }
  if (products > c->product_capacity) {
    free(c->products);
    c->products = malloc((size_t)products * sizeof *c->products);
    c->product_capacity = c->products == NULL ? 0 : products;
  }
  if (bytes > c->workspace_bytes) {
    free(c->workspace_start);
    c->workspace_start = malloc(bytes + 64);
    c->workspace = (uint8_t *)(((uintptr_t)c->workspace_start + 63) / 64 * 64);
    c->workspace_bytes = c->workspace_start == NULL ? 0 : bytes;
  }
  return jobs <= c->job_capacity && products <= c->product_capacity && bytes <= c->workspace_bytes;
}

static void fill_products(const compute_context *c, const job *j, bool is_packed) {
  const tk_ggml_tensor *w = j->node->src[0], *x = j->node->src[1], *y = j->node;
  const tk_type type = (tk_type)w->type;
  const int m = rows_of(x), k = (int)x->ne[0];
  const size_t bytes = tk_workspace_bytes(options.isa, type, m, k);
  for (int i = 0; i < j->count; i++) {
    const size_t i2 = (size_t)i % (size_t)x->ne[2], i3 = (size_t)i / (size_t)x->ne[2];
    tk_product *p = &j->products[i];
    p->isa = options.isa;
    p->type = type;
    p->m = m;
    p->n = (int)w->ne[1];
    p->k = k;
    p->x = (const float *)((const char *)x->data + i2 * x->nb[2] + i3 * x->nb[3]);
    p->x_stride = x->nb[1] / sizeof(float);
    p->w = w->data;
    p->y = (float *)((char *)y->data + i2 * y->nb[2] + i3 * y->nb[3]);
    p->y_stride = y->nb[1] / sizeof(float);
    p->workspace = c->workspace + (size_t)i * bytes;
    p->is_packed = is_packed;
    p->threads = c->threads;
    tk_product_start(p);
  }
}

// Products that follow each other and read the same x (queries, keys and values; gate and up) pack it once.
static bool shares_rows(const job *previous, const job *next) {
  return previous->node->src[1] == next->node->src[1] &&
         tk_packing(options.isa, (tk_type)previous->node->src[0]->type) == tk_packing(options.isa, (tk_type)next->node->src[0]->type);
}

static int replace_products(compute_context *c, tk_ggml_graph *graph) {
  int jobs = 0;
  tk_product *products = c->products;
  for (int i = 0; i < graph->n_nodes; i++) {
    tk_ggml_tensor *node = graph->nodes[i];
    if (!is_ours(node)) continue;
    job *j = &c->jobs[jobs];
    j->node = node;
    j->products = products;
    j->count = matrices(node->src[1]);
    products += j->count;
    fill_products(c, j, jobs > 0 && shares_rows(&c->jobs[jobs - 1], j));
    memcpy(j->params, node->op_params, sizeof j->params);
    jobs++;
  }
  for (int i = 0; i < jobs; i++) {
    const tk_ggml_custom custom = {run_job, -1, &c->jobs[i]};
    memcpy(c->jobs[i].node->op_params, &custom, sizeof custom);
    c->jobs[i].node->op = GGML_OP_IS_CUSTOM;
  }
  return jobs;
}

static int graph_compute(tk_ggml_backend *backend, tk_ggml_graph *graph) {
  compute_context *c = backend->context;
  if (!reserve(c, graph)) return -2; // GGML_STATUS_ALLOC_FAILED
  const int jobs = replace_products(c, graph);
  const int status = c->cpu->graph_compute(c->cpu, graph);
  for (int i = 0; i < jobs; i++) {
    c->jobs[i].node->op = GGML_OP_IS_MUL_MAT;
    memcpy(c->jobs[i].node->op_params, c->jobs[i].params, sizeof c->jobs[i].params);
  }
  return status;
}

static void free_backend(tk_ggml_backend *backend) {
  compute_context *c = backend->context;
  if (c->cpu != NULL) c->cpu->free(c->cpu);
  free(c->jobs);
  free(c->products);
  free(c->workspace_start);
  free(c);
  free(backend);
}

static const char *backend_name(tk_ggml_backend *backend) {
  (void)backend;
  return "Takeoff";
}

static void set_threads(tk_ggml_backend *backend, int threads) {
  compute_context *c = backend->context;
  const set_threads_fn set = (set_threads_fn)cpu_function("ggml_backend_set_n_threads");
  c->threads = threads;
  if (set != NULL) set(c->cpu, threads);
}

static void set_abort(tk_ggml_backend *backend, void *callback, void *data) {
  compute_context *c = backend->context;
  const set_abort_fn set = (set_abort_fn)cpu_function("ggml_backend_set_abort_callback");
  if (set != NULL) set(c->cpu, callback, data);
}

static tk_ggml_backend *init_backend(tk_ggml_device *from, const char *params) {
  static const uint8_t guid[16] = {0x74, 0x61, 0x6b, 0x65, 0x6f, 0x66, 0x66, 0x2d, 0x6b, 0x65, 0x72, 0x6e, 0x65, 0x6c, 0x73, 0x01};
  (void)from, (void)params;
  tk_ggml_backend *backend = calloc(1, sizeof *backend);
  compute_context *c = calloc(1, sizeof *c);
  if (backend == NULL || c == NULL) {
    free(backend);
    free(c);
    return NULL;
  }
  backend->guid = guid;
  backend->get_name = backend_name;
  backend->free = free_backend;
  backend->graph_compute = graph_compute;
  backend->device = &compute_device;
  backend->context = c;
  c->cpu = options.cpu->init_backend(options.cpu, NULL);
  c->threads = 1;
  if (c->cpu == NULL) {
    free_backend(backend);
    return NULL;
  }
  const set_pool_fn set_pool = (set_pool_fn)cpu_function("ggml_backend_cpu_set_threadpool");
  if (set_pool != NULL) set_pool(c->cpu, options.threadpool);
  return backend;
}

static const char *device_name(tk_ggml_device *d) {
  (void)d;
  return "Takeoff";
}
static const char *device_description(tk_ggml_device *d) {
  (void)d;
  return options.isa->name;
}
static void device_memory(tk_ggml_device *d, size_t *free, size_t *total) {
  (void)d;
  options.cpu->get_memory(options.cpu, free, total);
}
static int device_type(tk_ggml_device *d) {
  (void)d;
  return GGML_DEVICE_ACCEL;
}
static void device_properties(tk_ggml_device *d, tk_ggml_properties *p) {
  memset(p, 0, sizeof *p);
  p->name = device_name(d);
  p->description = device_description(d);
  device_memory(d, &p->memory_free, &p->memory_total);
  p->type = GGML_DEVICE_ACCEL;
}
static tk_ggml_buffer_type *weights_type(tk_ggml_device *d) {
  (void)d;
  return tk_weights_buffer_type();
}
static tk_ggml_buffer_type *activations_type(tk_ggml_device *d) {
  (void)d;
  return options.cpu->get_buffer_type(options.cpu);
}

static bool is_product(const tk_ggml_tensor *op) {
  const tk_ggml_tensor *w = op->src[0], *x = op->src[1];
  if (op->op != GGML_OP_IS_MUL_MAT || tk_is_packed(x) || x->type != GGML_TYPE_IS_F32 || x->nb[0] != sizeof(float) || !tk_can_pack(w)) return false;
  // The loader asks with a buffer of no bytes.
  return w->buffer->size > 0 || options.loaded_types >> w->type & 1;
}

static bool supports_op(tk_ggml_device *d, const tk_ggml_tensor *op) {
  (void)d;
  for (int i = 0; i < GGML_SOURCES; i++)
    if (op->src[i] != NULL && tk_is_packed(op->src[i])) return i == 0 && is_product(op);
  return options.cpu->supports_op(options.cpu, op);
}

static bool supports_buffer_type(tk_ggml_device *d, tk_ggml_buffer_type *type) {
  (void)d;
  return type == tk_weights_buffer_type() || options.cpu->supports_buft(options.cpu, type);
}

static const char *registry_name(tk_ggml_registry *r) {
  (void)r;
  return "Takeoff";
}
static size_t registry_devices(tk_ggml_registry *r) {
  (void)r;
  return 1;
}
static tk_ggml_device *registry_device(tk_ggml_registry *r, size_t index) {
  (void)r, (void)index;
  return &device;
}
static void *registry_function(tk_ggml_registry *r, const char *name) {
  (void)r;
  if (strcmp(name, "ggml_backend_set_n_threads") == 0) return (void *)(uintptr_t)set_threads;
  if (strcmp(name, "ggml_backend_set_abort_callback") == 0) return (void *)(uintptr_t)set_abort;
  return NULL;
}

tk_ggml_registry *tk_open_backend(const tk_backend_options *wanted) {
  options = *wanted;
  registry = (tk_ggml_registry){GGML_API_VERSION, registry_name, registry_devices, registry_device, registry_function, NULL};
  device.get_name = device_name;
  device.get_description = device_description;
  device.get_memory = device_memory;
  device.get_type = device_type;
  device.get_props = device_properties;
  device.init_backend = init_backend;
  device.get_buffer_type = weights_type;
  device.supports_op = supports_op;
  device.supports_buft = supports_buffer_type;
  device.registry = &registry;
  compute_device = device;
  compute_device.get_buffer_type = activations_type;
  tk_open_weights(options.isa, &device, options.cpu);
  return &registry;
}
