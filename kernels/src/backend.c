// A device of ggml (type ACCEL) that owns matrices and takes over whole graphs.
//
// llama.cpp offers each weight to accelerators first; this one accepts what only products read, and packs it (weights.c). In a graph
// it says that it supports whatever the CPU device supports, so the scheduler gives it everything in one piece, and no product costs
// a change of backend. It computes a graph by turning the products of its own weights, and attention, into custom operations in place,
// letting ggml's CPU backend run the graph on the process's threads, and turning them back.
#include "backend.h"

#include "attention.h"
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

// A node of a graph that is computed here: one tk_product for each matrix of x, or one tk_attention for each stream, and what the node
// was before.
typedef struct {
  tk_ggml_tensor *node;
  int op;
  int32_t params[GGML_PARAMS];
  tk_product *products;
  tk_attention *attentions;
  int count;
} job;

typedef struct {
  tk_ggml_backend *cpu;
  int threads;
  job *jobs;
  tk_product *products;
  tk_attention *attentions;
  int job_capacity, product_capacity, attention_capacity;
  uint8_t *workspace, *workspace_start; // aligned, and as allocated
  size_t workspace_bytes;
} compute_context;

static void run_products(tk_ggml_tensor *tensor, int thread, int threads, void *user_data) {
  (void)tensor, (void)thread, (void)threads;
  const job *j = user_data;
  for (int i = 0; i < j->count; i++) tk_product_run(&j->products[i]);
}

static void run_attentions(tk_ggml_tensor *tensor, int thread, int threads, void *user_data) {
  (void)tensor, (void)threads;
  const job *j = user_data;
  for (int i = 0; i < j->count; i++) tk_attention_run(&j->attentions[i], thread);
}

static bool is_own_product(const tk_ggml_tensor *node) { return node->op == GGML_OP_IS_MUL_MAT && tk_is_packed(node->src[0]); }

// Scale, slope of position biases and limit of scores of an attention node.
typedef struct {
  float scale, bias, limit;
} attention_params;
static attention_params params_of(const tk_ggml_tensor *node) {
  attention_params params;
  memcpy(&params, node->op_params, sizeof params);
  return params;
}

static bool has_usable_mask(const tk_ggml_tensor *mask, const tk_ggml_tensor *q, const tk_ggml_tensor *k) {
  return mask == NULL || (mask->type == GGML_TYPE_IS_F16 && mask->ne[0] >= k->ne[1] && mask->ne[1] >= q->ne[1] && mask->ne[2] == 1 && mask->nb[0] == 2);
}

static bool is_own_attention(const tk_ggml_tensor *node) {
  if (node->op != GGML_OP_IS_ATTENTION) return false;
  const tk_ggml_tensor *q = node->src[0], *k = node->src[1], *v = node->src[2];
  const attention_params params = params_of(node);
  const size_t bytes = k->type == GGML_TYPE_IS_F32 ? 4 : 2;
  return params.bias == 0 && params.limit == 0 && node->src[4] == NULL && q->type == GGML_TYPE_IS_F32 && k->type == v->type &&
         tk_can_attend(options.isa, (tk_type)k->type, (int)k->ne[0], (int)v->ne[0]) && q->nb[0] == 4 && k->nb[0] == bytes && v->nb[0] == bytes &&
         q->ne[2] % k->ne[2] == 0 && q->ne[2] / k->ne[2] <= 256 && k->ne[2] == v->ne[2] && q->ne[3] == k->ne[3] && q->ne[3] == v->ne[3] &&
         has_usable_mask(node->src[3], q, k);
}

static void fill_attention(const compute_context *c, const tk_ggml_tensor *node, int stream, tk_attention *a) {
  const tk_ggml_tensor *q = node->src[0], *k = node->src[1], *v = node->src[2], *mask = node->src[3];
  const size_t i = (size_t)stream;
  a->isa = options.isa;
  a->type = (tk_type)k->type;
  a->width = (int)k->ne[0];
  a->value_width = (int)v->ne[0];
  a->rows = (int)q->ne[1];
  a->heads = (int)q->ne[2];
  a->kv_heads = (int)k->ne[2];
  a->cells = (int)k->ne[1];
  a->scale = params_of(node).scale;
  a->q = (const uint8_t *)q->data + i * q->nb[3];
  a->k = (const uint8_t *)k->data + i * k->nb[3];
  a->v = (const uint8_t *)v->data + i * v->nb[3];
  a->q_row = q->nb[1], a->q_head = q->nb[2];
  a->k_cell = k->nb[1], a->k_head = k->nb[2];
  a->v_cell = v->nb[1], a->v_head = v->nb[2];
  a->mask = mask == NULL ? NULL : (const uint8_t *)mask->data + i % (size_t)mask->ne[3] * mask->nb[3];
  a->mask_row = mask == NULL ? 0 : mask->nb[1];
  a->y = (float *)((char *)node->data + i * node->nb[3]);
  a->y_head = node->nb[1] / sizeof(float), a->y_row = node->nb[2] / sizeof(float);
  a->workspace = c->workspace;
  tk_attention_start(a);
}

static size_t attention_workspace(const compute_context *c, const tk_ggml_tensor *node) {
  tk_attention a;
  fill_attention(c, node, 0, &a);
  return tk_attention_bytes(&a) * (size_t)c->threads;
}

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

// An array of at least `count`, what was in it forgotten.
static bool reserve_array(void **array, int *capacity, int count, size_t bytes) {
  if (count <= *capacity) return true;
  free(*array);
  *array = malloc((size_t)count * bytes);
  *capacity = *array == NULL ? 0 : count;
  return *array != NULL;
}

static bool reserve(compute_context *c, const tk_ggml_graph *graph) {
  int jobs = 0, products = 0, attentions = 0;
  size_t bytes = 0;
  for (int i = 0; i < graph->n_nodes; i++) {
    const tk_ggml_tensor *node = graph->nodes[i];
    size_t needed = 0;
    if (is_own_product(node)) {
      products += matrices(node->src[1]);
      needed = job_workspace(node);
    } else if (is_own_attention(node)) {
      attentions += (int)node->src[0]->ne[3];
      needed = attention_workspace(c, node);
    } else continue;
    jobs++;
    bytes = bytes > needed ? bytes : needed;
  }
  if (!reserve_array((void **)&c->jobs, &c->job_capacity, jobs, sizeof *c->jobs) ||
      !reserve_array((void **)&c->products, &c->product_capacity, products, sizeof *c->products) ||
      !reserve_array((void **)&c->attentions, &c->attention_capacity, attentions, sizeof *c->attentions))
    return false;
  if (bytes > c->workspace_bytes) {
    free(c->workspace_start);
    c->workspace_start = malloc(bytes + 64);
    c->workspace = (uint8_t *)(((uintptr_t)c->workspace_start + 63) / 64 * 64);
    c->workspace_bytes = c->workspace_start == NULL ? 0 : bytes;
  }
  return bytes <= c->workspace_bytes;
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
  return previous->op == GGML_OP_IS_MUL_MAT && previous->node->src[1] == next->node->src[1] &&
         tk_packing(options.isa, (tk_type)previous->node->src[0]->type) == tk_packing(options.isa, (tk_type)next->node->src[0]->type);
}

static void make_custom(job *j, void (*run)(tk_ggml_tensor *, int, int, void *)) {
  const tk_ggml_custom custom = {run, -1, j};
  memcpy(j->params, j->node->op_params, sizeof j->params);
  memcpy(j->node->op_params, &custom, sizeof custom);
  j->node->op = GGML_OP_IS_CUSTOM;
}

static int replace_nodes(compute_context *c, tk_ggml_graph *graph) {
  int jobs = 0;
  tk_product *products = c->products;
  tk_attention *attentions = c->attentions;
  for (int i = 0; i < graph->n_nodes; i++) {
    tk_ggml_tensor *node = graph->nodes[i];
    const bool is_product = is_own_product(node);
    if (!is_product && !is_own_attention(node)) continue;
    job *j = &c->jobs[jobs];
    *j = (job){.node = node, .op = node->op, .products = products, .attentions = attentions};
    if (is_product) {
      j->count = matrices(node->src[1]);
      products += j->count;
      fill_products(c, j, jobs > 0 && shares_rows(&c->jobs[jobs - 1], j));
    } else {
      j->count = (int)node->src[0]->ne[3];
      attentions += j->count;
      for (int stream = 0; stream < j->count; stream++) fill_attention(c, node, stream, &j->attentions[stream]);
    }
    make_custom(j, is_product ? run_products : run_attentions);
    jobs++;
  }
  return jobs;
}

static int graph_compute(tk_ggml_backend *backend, tk_ggml_graph *graph) {
  compute_context *c = backend->context;
  if (!reserve(c, graph)) return -2; // GGML_STATUS_ALLOC_FAILED
  const int jobs = replace_nodes(c, graph);
  const int status = c->cpu->graph_compute(c->cpu, graph);
  for (int i = 0; i < jobs; i++) {
    c->jobs[i].node->op = c->jobs[i].op;
    memcpy(c->jobs[i].node->op_params, c->jobs[i].params, sizeof c->jobs[i].params);
  }
  return status;
}

static void free_backend(tk_ggml_backend *backend) {
  compute_context *c = backend->context;
  if (c->cpu != NULL) c->cpu->free(c->cpu);
  free(c->jobs);
  free(c->products);
  free(c->attentions);
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
  // Attention has a workspace for each thread, so both must know of the same number from the start.
  set_threads(backend, c->threads);
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
